namespace Katib.Coordinator.Experiments;

/// <summary>Why a trial that is not over stands where it stands: words for <see cref="TrialState.Reason"/>.</summary>
public static class TrialReasons
{
    /// <summary>It is suggested and has not begun.</summary>
    public const string Created = "TrialCreated";

    /// <summary>Its program runs.</summary>
    public const string Running = "TrialRunning";

    /// <summary>The same as Katib's sentence.</summary>
    public const string RunningMessage = "Trial is running";

    /// <summary>Its program runs, and for a while there is nothing of its metrics.</summary>
    public const string NothingReported = "NothingReported";

    /// <summary>It has a place, and waits for a device.</summary>
    public const string WaitingForGpu = "WaitingForGpu";

    /// <summary>It has a place, and its image is fetched.</summary>
    public const string PullingImage = "PullingImage";
}
