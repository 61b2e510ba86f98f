using System.Collections.Immutable;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Experiments;

/// <summary>One trial as the coordinator knows it.</summary>
/// <param name="Name">The experiment's name and the number.</param>
/// <param name="Number">Its place in the experiment, from 1.</param>
/// <param name="Assignments">Its parameters, in the order of the search space.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Attempt">Which start of its program counts, from 1; a later one follows when one was lost or is tried again.</param>
/// <param name="Reason">Why it stands there, in one word.</param>
/// <param name="Message">The same as a sentence for the user.</param>
/// <param name="CreatedAt">When it was suggested.</param>
/// <param name="StartedAt">When its program was started.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Observation">What it has reported so far.</param>
public sealed record TrialState(
    string Name,
    int Number,
    ImmutableArray<Assignment> Assignments,
    TrialStatus Status,
    int Attempt,
    string Reason,
    string Message,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt,
    Observation Observation)
{
    /// <summary>Its attempts that have failed, the oldest first.</summary>
    public ImmutableArray<FailedAttempt> FailedAttempts { get; init; } = [];

    /// <summary>Whether it still takes one of the parallel places.</summary>
    public bool IsActive => Status is TrialStatus.Created or TrialStatus.Running or TrialStatus.Unknown;

    /// <summary>Whether it counts towards maxFailedTrialCount; a trial without metrics does, as in Katib.</summary>
    public bool IsFailed => Status is TrialStatus.Failed or TrialStatus.MetricsUnavailable;
}
