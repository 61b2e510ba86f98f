using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Katib.Coordinator.Storage;

/// <summary>One file on this machine, which one process writes and any number may read.</summary>
internal sealed class SqliteDatabase(string file) : Database
{
    /// <inheritdoc/>
    public override string Name => file;

    /// <inheritdoc/>
    public override bool Exists => File.Exists(file);

    /// <inheritdoc/>
    /// <remarks>A busy file, an input or output error, a full disk.</remarks>
    public override bool IsAway(Exception failure) => failure is SqliteException { SqliteErrorCode: 5 or 10 or 13 };

    /// <inheritdoc/>
    /// <remarks>This level means to the driver that the write lock is not taken; what is read is one moment all the same.</remarks>
    public override IsolationLevel Reading => IsolationLevel.ReadUncommitted;

    /// <inheritdoc/>
    protected override string Kind => "sqlite";

    /// <inheritdoc/>
    public override DbConnection Connect()
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        return new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            ForeignKeys = true,
            Pooling = false,
            DefaultTimeout = 30,
        }.ToString());
    }

    /// <inheritdoc/>
    public override async Task PrepareAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        // FULL: a commit outlives a power cut. What a trial's folder shows is then never newer than what the store knows.
        await connection.ExecuteAsync("PRAGMA synchronous = FULL", cancellationToken);
        if (await VersionOfAsync(connection, cancellationToken) == CurrentVersion)
        {
            return;
        }

        // Several processes may open a new file at once: one of them holds the write lock, the others then find it done.
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            var version = await VersionOfAsync(connection, cancellationToken);
            if (version is 0 && await connection.ReadAsync<long>("SELECT count(*) FROM sqlite_schema", cancellationToken) > 0)
            {
                throw new StoreException($"'{file}' is a database of another program; name another file as the store.");
            }

            await MigrateAsync(connection, version, cancellationToken);
            await connection.ExecuteAsync(
                string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {CurrentVersion}"), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        await connection.ExecuteAsync("PRAGMA journal_mode = WAL", cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Always: whoever can open the file sees <see cref="ExperimentLock"/> as well.</remarks>
    public override Task<bool> TryHoldAsync(DbConnection connection, string experiment, CancellationToken cancellationToken) =>
        Task.FromResult(true);

    private static async Task<int> VersionOfAsync(DbConnection connection, CancellationToken cancellationToken) =>
        (int)await connection.ReadAsync<long>("PRAGMA user_version", cancellationToken);
}
