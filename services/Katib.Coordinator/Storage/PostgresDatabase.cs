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
        if (!Uri.TryCreate(url, UriKind.Absolute, out var given) || given.Host.Length is 0 || given.AbsolutePath.Length < 2)
        {
            throw new FormatException("must be a URL such as postgres://USER@HOST:5432/DATABASE");
        }

        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = given.IdnHost,
            Database = Uri.UnescapeDataString(given.AbsolutePath[1..]),
            ApplicationName = "katib",
            KeepAlive = 15,
            TcpKeepAlive = true,
        };
        if (given.Port > 0)
        {
            builder.Port = given.Port;
        }

        string[] login = [.. given.UserInfo.Split(':', 2).Select(Uri.UnescapeDataString)];
        if (login[0].Length > 0)
        {
            builder.Username = login[0];
        }

        if (login.Length > 1)
        {
            builder.Password = login[1];
        }

        foreach (var pair in given.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            Set(builder, pair);
        }

        // Not for the user to change. The mark of an experiment that is worked on lives and dies with its connection.
        builder.SearchPath = Namespace;
        builder.Pooling = false;
        _connectionString = builder.ToString();
        Name = new UriBuilder(given) { UserName = given.UserInfo.Split(':')[0], Password = "", Query = "" }.Uri.ToString();
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

    private static void Set(NpgsqlConnectionStringBuilder builder, string pair)
    {
        var at = pair.IndexOf('=', StringComparison.Ordinal);
        var key = Uri.UnescapeDataString(at < 0 ? pair : pair[..at]);
        try
        {
            builder[key] = Uri.UnescapeDataString(at < 0 ? "" : pair[(at + 1)..]);
        }
        catch (Exception wrong) when (wrong is ArgumentException or KeyNotFoundException or FormatException)
        {
            throw new FormatException($"has '{key}' behind the question mark, which Npgsql does not take: {wrong.Message}", wrong);
        }
    }

    private static async Task<int> VersionOfAsync(DbConnection connection, CancellationToken cancellationToken) =>
        await connection.ReadAsync<bool>("SELECT to_regclass('store') IS NULL", cancellationToken)
            ? 0
            : await connection.ReadAsync<int>("SELECT version FROM store", cancellationToken);
}
