using System.Data;
using System.Data.Common;
using System.Globalization;

namespace Katib.Coordinator.Storage;

/// <summary>What one kind of database has of its own: how it is opened, its schema, and how a reader sees one moment.</summary>
/// <remarks>The statements of <see cref="ExperimentStore"/> are the same for all of them.</remarks>
internal abstract class Database
{
    /// <summary>The version of the schema that this program reads and writes.</summary>
    public const int CurrentVersion = 5;

    /// <summary>Where it is, for messages; never with a password.</summary>
    public abstract string Name { get; }

    /// <summary>Whether there is something to open; a server says so only when it is asked.</summary>
    public virtual bool Exists => true;

    /// <summary>Whether a failure may pass, so that it is worth waiting: the server is away, the disk is full.</summary>
    /// <remarks>Class 57P: the server is being stopped or started, or ends this session.</remarks>
    public virtual bool MayPass(DbException failure) =>
        failure.IsTransient || (failure.SqlState is { } state && state.StartsWith("57P", StringComparison.Ordinal));

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
                await connection.ExecuteAsync(script, cancellationToken);
            }
        }
    }
}
