using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Katib.Coordinator.Storage;

/// <summary>The store's schema: numbered scripts, each of which leads from one version to the next.</summary>
internal static class Schema
{
    /// <summary>The version that this program reads and writes.</summary>
    public const int Version = 3;

    /// <summary>Brings the file to <see cref="Version"/>, or says why that cannot be.</summary>
    public static void Prepare(SqliteConnection connection, string path)
    {
        // FULL: a commit outlives a power cut. What a trial's folder shows is then never newer than what the store knows.
        Execute(connection, "PRAGMA synchronous = FULL");
        if (VersionOf(connection) == Version)
        {
            return;
        }

        Migrate(connection, path);
        Execute(connection, "PRAGMA journal_mode = WAL");
    }

    private static void Migrate(SqliteConnection connection, string path)
    {
        // Several processes may open a new file at once: one of them holds the write lock, the others then find it done.
        using var transaction = connection.BeginTransaction();
        var version = VersionOf(connection);
        if (version > Version)
        {
            throw new StoreException(
                $"The store '{path}' has schema version {version}, but this katib knows versions up to {Version}. "
                + "Use the newer katib that wrote it, or name another file with --store.");
        }

        if (version is 0 && Scalar(connection, "SELECT count(*) FROM sqlite_schema") > 0)
        {
            throw new StoreException($"'{path}' is a database of another program; name another file with --store.");
        }

        for (var next = version + 1; next <= Version; next++)
        {
            Execute(connection, Script(next));
        }

        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {Version}"));
        transaction.Commit();
    }

    /// <summary>The script that leads to a version from the one before.</summary>
    public static string Script(int version)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"Katib.Coordinator.Storage.schema.{version}.sql");
        using var stream = typeof(Schema).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static int VersionOf(SqliteConnection connection) => (int)Scalar(connection, "PRAGMA user_version");

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        _ = command.ExecuteNonQuery();
    }
}

/// <summary>Binds a value to a command.</summary>
internal static class SqliteCommands
{
    public static SqliteCommand With(this SqliteCommand command, string name, object? value)
    {
        _ = command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
