using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Experiments;

/// <summary>What a trial that is not over waits for.</summary>
/// <param name="Reason">Why it stands where it stands, in one word.</param>
/// <param name="Since">Since when that is so.</param>
/// <param name="Next">What it does or waits for, as a sentence without times that pass.</param>
public sealed record TrialOutlook(string Reason, DateTimeOffset Since, string Next)
{
    /// <summary>The outlook of one trial; null when it is over.</summary>
    public static TrialOutlook? Of(ExperimentSpec spec, ExperimentState state, TrialState trial) => trial.IsActive
        ? new(trial.Reason, trial.ReasonSince ?? trial.StartedAt ?? trial.CreatedAt, NextOf(spec, state, trial))
        : null;

    private static string NextOf(ExperimentSpec spec, ExperimentState state, TrialState trial) => trial switch
    {
        _ when state.Outcome is not null => "It is stopped: the experiment has ended.",
        _ when state.Wishes.ContainsKey(trial.Number) => "It is stopped on request.",
        { Status: TrialStatus.Created } when state.IsPaused => "It waits until the experiment is resumed.",
        { Status: TrialStatus.Created, Attempt: > 1 } =>
            FormattableString.Invariant($"It is tried again, attempt {trial.Attempt}, on {Places(spec)}."),
        { Status: TrialStatus.Created } => $"It waits for {Places(spec)}.",

        // What only the runner knows it has said in a sentence.
        { Reason: not TrialReasons.Running } => trial.Message,
        _ => $"It runs; {Reported(spec.Objective, trial)}{Limit(spec)}.",
    };

    private static string Places(ExperimentSpec spec) => spec.ParallelTrialCount is 1
        ? "the one place"
        : FormattableString.Invariant($"one of {spec.ParallelTrialCount} parallel places");

    private static string Reported(ObjectiveSpec objective, TrialState trial)
    {
        var metric = trial.Observation.Metrics.Single(m => m.Name == objective.MetricName);
        return metric.By(objective.Strategies[metric.Name]) is var value and not MetricSummary.Unavailable
            ? $"{metric.Name}={value} so far"
            : $"no value of '{metric.Name}' so far";
    }

    private static string Limit(ExperimentSpec spec) =>
        spec.Policy.TrialTimeout is { } limit ? $"; it is stopped after {DurationText.Of(limit)}" : "";
}
