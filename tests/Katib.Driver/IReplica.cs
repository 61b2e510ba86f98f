namespace Katib.Driver;

/// <summary>One instance of a Suggestion service, wherever it runs.</summary>
public interface IReplica
{
    /// <summary>Where it listens now, plaintext HTTP/2.</summary>
    Uri Address { get; }

    /// <summary>Kills it and starts it anew, with an empty memory; it may listen elsewhere afterwards.</summary>
    Task RestartAsync(CancellationToken cancellationToken);
}

/// <summary>A service that somebody else runs: it is called, never restarted.</summary>
public sealed record ForeignReplica(Uri Address) : IReplica
{
    /// <inheritdoc/>
    public Task RestartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
