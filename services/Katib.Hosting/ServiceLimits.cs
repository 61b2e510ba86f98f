namespace Katib.Hosting;

/// <summary>How much a service takes on at once, by what its container allows.</summary>
internal sealed record ServiceLimits
{
    private const int Mebibyte = 1024 * 1024;

    /// <summary>
    /// How long a message may be: a quarter of the memory that garbage collection may use, which is three quarters of a
    /// container's. A message lies in memory twice while it is read, and something is made of it.
    /// </summary>
    public int MessageBytes { get; init; } = (int)Math.Clamp(
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4, 4 * Mebibyte, ServiceHost.MaxMessageBytes);

    /// <summary>How long an experiment may be, or a trial: each of its bytes may take thirty in memory.</summary>
    public int PartBytes => MessageBytes / 16;

    /// <summary>How many trials a request may have: a small fraction of a kilobyte is made of each.</summary>
    public int Trials => MessageBytes / 96;

    /// <summary>How many bytes of messages are in work at once: one of the largest in use, or many small ones.</summary>
    public int BytesInWork { get; init; } = 8 * Mebibyte;

    /// <summary>How many searches compute at once: one for each processor of the quota, which .NET rounds up.</summary>
    public int Searches { get; init; } = Environment.ProcessorCount;

    /// <summary>How many requests may wait for either, before those of the busiest experiment are refused.</summary>
    public int Waiting { get; init; } = 256;

    /// <summary>How many requests there may be in all. Each holds up to 64 KiB before it is let in.</summary>
    public int Requests { get; init; } = 640;

    /// <summary>How many connections there may be.</summary>
    public int Connections { get; init; } = 512;

    /// <summary>How long the first bytes of a message may take; nothing is held for it meanwhile.</summary>
    /// <remarks>Callers serialise a message before they send of it: seconds for a large one on a busy machine.</remarks>
    public TimeSpan Beginning { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the rest may take to arrive once it is its turn; to it comes a second for each MiB.</summary>
    public TimeSpan Arrival { get; init; } = TimeSpan.FromSeconds(5);
}
