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
    /// <summary>Since when its reason holds; null for since its program was started, or since it was suggested.</summary>
    public DateTimeOffset? ReasonSince { get; init; }

    /// <summary>When its last value was read; null when this attempt has not reported any.</summary>
    public DateTimeOffset? ReportedAt { get; init; }

    /// <summary>Its attempts that have failed, the oldest first.</summary>
    public ImmutableArray<FailedAttempt> FailedAttempts { get; init; } = [];

    /// <summary>The same after it has been heard of, its values aside.</summary>
    public TrialState Hear(ImmutableArray<MetricPoint> points, ObjectiveSpec objective, DateTimeOffset now)
    {
        var isHeard = points.Any(p => p.Metric == objective.MetricName);
        return this with
        {
            ReportedAt = now,
            Reason = isHeard ? TrialReasons.Running : Reason,
            Message = isHeard ? TrialReasons.RunningMessage : Message,
        };
    }

    /// <summary>The same at another point; a program that says nothing runs on since it was started.</summary>
    public TrialState Note(string reason, string message, DateTimeOffset now) => this with
    {
        Reason = reason,
        Message = message,
        ReasonSince = reason == Reason || reason is TrialReasons.NothingReported ? ReasonSince : now,
    };

    /// <summary>Whether it still takes one of the parallel places.</summary>
    public bool IsActive => Status is TrialStatus.Created or TrialStatus.Running or TrialStatus.Unknown;

    /// <summary>Whether it counts towards maxFailedTrialCount; a trial without metrics does, as in Katib.</summary>
    public bool IsFailed => Status is TrialStatus.Failed or TrialStatus.MetricsUnavailable;
}
