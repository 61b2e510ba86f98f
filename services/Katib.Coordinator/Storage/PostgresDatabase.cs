using System.Data;
using System.Data.Common;
using Npgsql;

namespace Katib.Coordinator.Storage;

/// <summary>The schema <c>katib</c> of a PostgreSQL database, which any number of coordinators may share.</summary>
internal sealed class PostgresDatabase : Database
{
    private const string Namespace = "katib";

    private readonly string _connectionString;

    /// <summary>The database of a URL: <c>postgres://USER@HOST:PORT/DATABASE?sslmode=require</c>.</summary>
    /// <remarks>
    /// What the URL leaves out comes from PostgreSQL's own variables, such as PGPASSWORD, PGPASSFILE and PGSSLROOTCERT.
    /// Keywords behind the question mark are Npgsql's.
    /// </remarks>
    /// <exception cref="FormatException">It is no such URL; the message ends with what is wrong and does not show it.</exception>
    public PostgresDatabase(string url)
    {
        DatabaseUrl address = new(url, "postgres://USER@HOST:5432/DATABASE");
        NpgsqlConnectionStringBuilder settings = new() { ApplicationName = "katib", KeepAlive = 15, TcpKeepAlive = true };
        address.CopyTo(settings);

        // Not for the user to change. The mark of an experiment that is worked on lives and dies with its connection.
        settings.SearchPath = Namespace;
        settings.Pooling = false;
        _connectionString = settings.ToString();
        Name = address.Name;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override IsolationLevel Reading => IsolationLevel.RepeatableRead;

    /// <inheritdoc/>
    protected override string Kind => "postgres";

    /// <summary>Whether a store's name is meant for this kind.</summary>
    public static bool IsUrl(string store) =>
        store.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || store.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override DbConnection Connect() => new NpgsqlConnection(_connectionString);

    /// <inheritdoc/>
    /// <remarks>Class 57P: the server is being stopped or started, or ends this session.</remarks>
    public override bool IsAway(Exception failure) =>
        base.IsAway(failure)
        || (failure is PostgresException { SqlState: var state } && state.StartsWith("57P", StringComparison.Ordinal));

    /// <inheritdoc/>
    public override async Task PrepareAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        if (await VersionOfAsync(connection, cancellationToken) == CurrentVersion)
        {
            return;
        }

        // Several processes may open a new database at once: one of them goes on, the others then find it done.
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended('katib schema', 0))", cancellationToken);

        // Not IF NOT EXISTS, which asks for the right to make it even where it is there.
        if (await connection.ReadAsync<bool>($"SELECT to_regnamespace('{Namespace}') IS NULL", cancellationToken))
        {
            await connection.ExecuteAsync($"CREATE SCHEMA {Namespace}", cancellationToken);
        }

        await MigrateAsync(connection, await VersionOfAsync(connection, cancellationToken), cancellationToken);
        await connection.ExecuteAsync($"UPDATE store SET version = {CurrentVersion}", cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<bool> TryHoldAsync(DbConnection connection, string experiment, CancellationToken cancellationToken)
    {
        await using var command = connection.Command("SELECT pg_try_advisory_lock(hashtextextended(@experiment, 0))");
        return (bool)(await command.With("@experiment", $"katib {experiment}").ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<int> VersionOfAsync(DbConnection connection, CancellationToken cancellationToken) =>
        await connection.ReadAsync<bool>("SELECT to_regclass('store') IS NULL", cancellationToken)
            ? 0
            : await connection.ReadAsync<int>("SELECT version FROM store", cancellationToken);
}
