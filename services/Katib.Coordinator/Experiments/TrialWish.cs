namespace Katib.Coordinator.Experiments;

/// <summary>What a user, or a rule of theirs, wants of a trial that has not ended.</summary>
public enum TrialWish
{
    /// <summary>End it now; what it has reported counts.</summary>
    Stop,

    /// <summary>Do without it; what it has reported does not count.</summary>
    Skip,

    /// <summary>End it now, because it does worse than others at the same point; what it has reported counts.</summary>
    StopEarly,
}
