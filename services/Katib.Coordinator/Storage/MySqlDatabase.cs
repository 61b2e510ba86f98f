using System.Data;
using System.Data.Common;
using System.Net.Sockets;
using MySqlConnector;

namespace Katib.Coordinator.Storage;

/// <summary>A database on a MySQL or MariaDB server, its own, which any number of coordinators may share.</summary>
internal sealed class MySqlDatabase : Database
{
    /// <summary>The comment that every table bears: one that was begun is told from another program's by it.</summary>
    private const string Mark = "katib";

    // What the driver has no names for.
    private const MySqlErrorCode ConnectionKilled = (MySqlErrorCode)1927;
    private const MySqlErrorCode ServerGone = (MySqlErrorCode)2006;
    private const MySqlErrorCode ServerLost = (MySqlErrorCode)2013;

    private readonly string _connectionString;

    /// <summary>The database of a URL: <c>mysql://USER@HOST:PORT/DATABASE?sslmode=VerifyFull</c>.</summary>
    /// <remarks>A password that the URL leaves out comes from MYSQL_PWD. Keywords behind the question mark are MySqlConnector's.</remarks>
    /// <exception cref="FormatException">It is no such URL; the message ends with what is wrong and does not show it.</exception>
    public MySqlDatabase(string url)
    {
        DatabaseUrl address = new(url, "mysql://USER@HOST:3306/DATABASE");
        MySqlConnectionStringBuilder settings = new()
        {
            Password = Environment.GetEnvironmentVariable("MYSQL_PWD") ?? "",
            ApplicationName = "katib",
            Keepalive = 15,
        };
        address.CopyTo(settings);

        // Not for the user to change. The mark of an experiment that is worked on lives and dies with its connection, a row that is left
        // alone is not affected, commands find their transaction by their connection, and quotes are what the session's mode takes them for.
        settings.Pooling = false;
        settings.UseAffectedRows = true;
        settings.IgnoreCommandTransaction = true;
        settings.NoBackslashEscapes = false;
        _connectionString = settings.ToString();
        Name = address.Name;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override IsolationLevel Reading => IsolationLevel.RepeatableRead;

    /// <inheritdoc/>
    protected override string Kind => "mysql";

    /// <summary>Whether a store's name is meant for this kind.</summary>
    public static bool IsUrl(string store) =>
        store.StartsWith("mysql://", StringComparison.OrdinalIgnoreCase)
        || store.StartsWith("mariadb://", StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override DbConnection Connect() => new MySqlConnection(_connectionString);

    /// <inheritdoc/>
    public override async Task PrepareAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        // Whatever the server is set to: a value that does not fit is refused and not cut off.
        await connection.ExecuteAsync("SET SESSION sql_mode = 'TRADITIONAL'", cancellationToken);
        if (await VersionOfAsync(connection, cancellationToken) == CurrentVersion)
        {
            return;
        }

        // Several processes may open a new database at once: one of them goes on, the others then find it done. What it has
        // changed is committed step by step, so that no transaction can keep them apart.
        while (!await TryLockAsync(connection, "schema", seconds: 10, cancellationToken))
        {
            // It is the server that has waited.
        }

        var version = await VersionOfAsync(connection, cancellationToken);
        if (version is 0)
        {
            await ClaimAsync(connection, cancellationToken);
        }

        await MigrateAsync(connection, version, cancellationToken);
        await connection.ExecuteAsync($"UPDATE store SET version = {CurrentVersion}", cancellationToken);
        await connection.ExecuteAsync("DO RELEASE_ALL_LOCKS()", cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<bool> TryHoldAsync(DbConnection connection, string experiment, CancellationToken cancellationToken) =>
        TryLockAsync(connection, $"experiment {experiment}", seconds: 0, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// So do an answer that does not come, a connection that breaks, and what servers, or proxies in front of them, say of
    /// one that stops, starts or ends a session.
    /// </remarks>
    public override bool IsAway(Exception failure) =>
        base.IsAway(failure)
        || failure is IOException or SocketException or MySqlException { InnerException: IOException or SocketException }
            or MySqlException
        {
            ErrorCode: MySqlErrorCode.CommandTimeoutExpired or MySqlErrorCode.QueryInterrupted
                    or MySqlErrorCode.ServerShutdown or MySqlErrorCode.NormalShutdown or MySqlErrorCode.ClientInteractionTimeout
                    or MySqlErrorCode.TooManyUserConnections or ConnectionKilled or ServerGone or ServerLost,
        };

    /// <inheritdoc/>
    /// <remarks>
    /// Nothing but an update to what is there says that a row stays: IGNORE would also pass over a value that does not fit.
    /// VALUES() is what both servers understand.
    /// </remarks>
    public override string OnConflict(string[] key, params string[] columns) =>
        "ON DUPLICATE KEY UPDATE "
        + (columns.Length is 0 ? $"{key[0]} = {key[0]}" : string.Join(", ", columns.Select(static column => $"{column} = VALUES({column})")));

    /// <inheritdoc/>
    /// <remarks>Statement by statement: of a script that was cut off, what was done is passed over.</remarks>
    protected override async Task RunAsync(DbConnection connection, string script, CancellationToken cancellationToken)
    {
        foreach (var statement in script.Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            try
            {
                await connection.ExecuteAsync(statement, cancellationToken);
            }
            catch (MySqlException done) when (done.ErrorCode is MySqlErrorCode.TableExists or MySqlErrorCode.DuplicateFieldName
                or MySqlErrorCode.DuplicateKeyName or MySqlErrorCode.CannotDropFieldOrKey)
            {
            }
        }
    }

    /// <summary>Makes an empty database ours: its texts differ by each letter, its case, and blanks at the end.</summary>
    private async Task ClaimAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        var isForeign = await connection.ReadAsync<long>(
            $"SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_comment <> '{Mark}'",
            cancellationToken) > 0;
        if (isForeign)
        {
            throw new StoreException($"'{Name}' is a database of another program; name one of its own for the store.");
        }

        // The two servers have different names for it.
        var collation = await connection.ReadAsync<string>(
            """
            SELECT coalesce(max(collation_name), '') FROM information_schema.collations
            WHERE collation_name IN ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin')
            """,
            cancellationToken);
        if (collation.Length is 0)
        {
            throw new StoreException($"The server of '{Name}' is too old for a store; it must be MariaDB 10.11, MySQL 8.0.17 or newer.");
        }

        await connection.ExecuteAsync($"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {collation}", cancellationToken);
    }

    /// <summary>Takes a lock of the connection. Its name, of at most 64 characters, is one for all databases of the server.</summary>
    private static async Task<bool> TryLockAsync(
        DbConnection connection, string name, int seconds, CancellationToken cancellationToken)
    {
        await using var command = connection.Command(
            "SELECT GET_LOCK(SHA2(CONCAT_WS(' ', 'katib', DATABASE(), @name), 256), @seconds)");

        // Which of the two depends on the server.
        return await command.With("@name", name).With("@seconds", seconds).ExecuteScalarAsync(cancellationToken) is 1 or 1L;
    }

    private static async Task<int> VersionOfAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        var isBegun = await connection.ReadAsync<long>(
            $"""
            SELECT count(*) FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = 'store' AND table_comment = '{Mark}'
            """,
            cancellationToken) > 0;
        await using var command = connection.Command("SELECT version FROM store");
        return isBegun && await command.ExecuteScalarAsync(cancellationToken) is int version ? version : 0;
    }
}
