namespace Katib.Coordinator.Storage;

/// <summary>Where a store keeps its things: its database, and a folder of this machine for what the trials leave.</summary>
public sealed class StoreLocation
{
    private readonly string _trials;

    private StoreLocation(Database database, string trials)
    {
        Database = database;
        _trials = Path.GetFullPath(trials);
    }

    /// <summary>The file of the store that is used unless another is named.</summary>
    public static string DefaultFile { get; } = Path.Combine(".katib", "katib.db");

    /// <summary>The database.</summary>
    internal Database Database { get; }

    /// <summary>A SQLite file, with the trials' folder beside it.</summary>
    public static StoreLocation OfFile(string file) => new(new SqliteDatabase(file), file + ".trials");

    /// <summary>A SQLite file, or a PostgreSQL, MySQL or MariaDB database where the text is a URL that says so.</summary>
    /// <param name="store">The file's path, or <c>postgres://USER@HOST:PORT/DATABASE</c>, or the same with <c>mysql</c>.</param>
    /// <param name="trials">The folder for what the trials leave; empty for a file's neighbour, or <c>.katib/trials</c>.</param>
    /// <exception cref="FormatException">The URL is wrong; the message says how, without its subject.</exception>
    public static StoreLocation Parse(string store, string trials = "")
    {
        Database? server = PostgresDatabase.IsUrl(store) ? new PostgresDatabase(store)
            : MySqlDatabase.IsUrl(store) ? new MySqlDatabase(store)
            : null;
        return server is not null ? new(server, trials.Length > 0 ? trials : Path.Combine(".katib", "trials"))
            : trials.Length > 0 ? new(new SqliteDatabase(store), trials)
            : OfFile(store);
    }

    /// <summary>Where the ports are remembered that trials of all experiments push to.</summary>
    internal string PortsFile => _trials + ".ports";

    /// <summary>The folder of one experiment's trials.</summary>
    public string FolderOf(string @namespace, string name) => Path.Combine(_trials, $"{@namespace}.{name}");
}
