using System.Data;
using System.Data.Common;
using System.Globalization;

namespace Katib.Coordinator.Storage;

/// <summary>
/// What one kind of database has of its own: how it is opened, its schema, how a reader sees one moment, how a row gives way
/// to another, and which failures pass.
/// </summary>
/// <remarks>All else in the statements of <see cref="ExperimentStore"/> is the same for all of them.</remarks>
internal abstract class Database
{
    /// <summary>The version of the schema that this program reads and writes.</summary>
    public const int CurrentVersion = 5;

    /// <summary>Where it is, for messages; never with a password.</summary>
    public abstract string Name { get; }

    /// <summary>Whether there is something to open; a server says so only when it is asked.</summary>
    public virtual bool Exists => true;

    /// <summary>In which transactions see one moment, without keeping writers out.</summary>
    public abstract IsolationLevel Reading { get; }

    /// <summary>The kind, as the names of its scripts begin.</summary>
    protected abstract string Kind { get; }

    /// <summary>A connection that is not open yet.</summary>
    public abstract DbConnection Connect();

    /// <summary>Brings an open connection's schema to <see cref="CurrentVersion"/>.</summary>
    /// <exception cref="StoreException">It is newer, or belongs to another program.</exception>
    public abstract Task PrepareAsync(DbConnection connection, CancellationToken cancellationToken);

    /// <summary>Takes what marks an experiment as worked on, for as long as the connection lives; false when another one has it.</summary>
    public abstract Task<bool> TryHoldAsync(DbConnection connection, string experiment, CancellationToken cancellationToken);

    /// <summary>Whether a failure says that the database has gone away, and may be back a little later.</summary>
    public virtual bool IsAway(Exception failure) => failure is DbException { IsTransient: true };

    /// <summary>The end of an INSERT: what becomes of a row that is there already.</summary>
    /// <param name="key">The columns of the key that the rows have in common.</param>
    /// <param name="columns">The columns that take the new row's values; none to leave the row alone, whatever key they have in
    /// common, so that no row is affected.</param>
    public virtual string OnConflict(string[] key, params string[] columns) =>
        columns.Length is 0
            ? "ON CONFLICT DO NOTHING"
            : $"ON CONFLICT ({string.Join(", ", key)}) DO UPDATE SET {string.Join(", ", columns.Select(static c => $"{c} = excluded.{c}"))}";

    /// <summary>The script that leads to a version from the one before; null when this kind began later.</summary>
    public string? Script(int version)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"Katib.Coordinator.Storage.Schema.{Kind}.{version}.sql");
        using var stream = typeof(Database).Assembly.GetManifestResourceStream(name);
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Runs every script that leads on from a version.</summary>
    protected async Task MigrateAsync(DbConnection connection, int version, CancellationToken cancellationToken)
    {
        if (version > CurrentVersion)
        {
            throw new StoreException(
                $"The store '{Name}' has schema version {version}, but this katib knows versions up to {CurrentVersion}. "
                + "Use the newer katib that wrote it, or name another store.");
        }

        for (var next = version + 1; next <= CurrentVersion; next++)
        {
            if (Script(next) is { } script)
            {
                await RunAsync(connection, script, cancellationToken);
            }
        }
    }

    /// <summary>Runs a script.</summary>
    protected virtual Task RunAsync(DbConnection connection, string script, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(script, cancellationToken);
}
