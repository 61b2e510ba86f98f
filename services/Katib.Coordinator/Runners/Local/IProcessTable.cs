using System.Collections.Immutable;

namespace Katib.Coordinator.Runners.Local;

/// <summary>One process of this machine.</summary>
/// <param name="Id">Its pid.</param>
/// <param name="Parent">Its parent's.</param>
/// <param name="Group">Its process group.</param>
/// <param name="Session">Its session; the group where the system does not tell.</param>
/// <param name="Marked">Whether its environment bears the marker that was asked for.</param>
internal readonly record struct ProcessEntry(int Id, int Parent, int Group, int Session, bool Marked);

/// <summary>
/// What every process of a trial inherits in its environment: KATIB_TRIAL_DIR, the attempt's folder.
/// </summary>
/// <param name="Folder">The folder's full path.</param>
/// <param name="Below">Whether every folder below counts, and not this one alone.</param>
internal readonly record struct TrialMarker(string Folder, bool Below = false)
{
    public const string Variable = "KATIB_TRIAL_DIR";

    /// <summary>What the environment's entry begins with, or is.</summary>
    public string Entry => $"{Variable}={Folder}{(Below ? "/" : "")}";
}

/// <summary>The processes of this machine. Processes that are dead and only not yet reaped do not count.</summary>
internal interface IProcessTable
{
    /// <summary>All of them.</summary>
    ValueTask<ImmutableArray<ProcessEntry>> ListAsync(TrialMarker marker, CancellationToken cancellationToken);

    /// <summary>Whether any bears the marker.</summary>
    ValueTask<bool> AnyAsync(TrialMarker marker, CancellationToken cancellationToken);

    /// <summary>Whether the process exists and has <paramref name="argument"/> on its command line.</summary>
    /// <remarks>A pid alone proves nothing: after a restart of the machine it is anybody's.</remarks>
    ValueTask<bool> IsRunningAsync(int id, string argument, CancellationToken cancellationToken);
}
