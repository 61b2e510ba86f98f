namespace Katib.Coordinator.Experiments;

/// <summary>What a user wants of a trial that has not ended.</summary>
public enum TrialWish
{
    /// <summary>End it now; what it has reported counts.</summary>
    Stop,

    /// <summary>Do without it; what it has reported does not count.</summary>
    Skip,
}
