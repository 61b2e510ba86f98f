using Katib.Coordinator.Metrics;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Experiments;

/// <summary>What the end of a trial's program means for the trial.</summary>
public static class TrialEnding
{
    /// <summary>A trial that is lost so often is not the machine's fault.</summary>
    public const int MaxAttempts = 10;

    /// <summary>The trial after its program has ended.</summary>
    public static TrialState Apply(TrialState trial, TrialExit exit, ObjectiveSpec objective, DateTimeOffset now)
    {
        if (exit.Kind is TrialExitKind.Lost && trial.Attempt < MaxAttempts)
        {
            return Again(trial, exit.Message, objective);
        }

        var (status, reason, message) = exit switch
        {
            { Kind: TrialExitKind.Exited, Code: 0 } => Judge(trial.Observation.ValueOf(objective), objective, exit),
            { Kind: TrialExitKind.Exited } => (TrialStatus.Failed, "TrialFailed", exit.Message),
            { Kind: TrialExitKind.OutOfMemory } => (TrialStatus.Failed, "OOMKilled", exit.Message),
            { Kind: TrialExitKind.DeadlineExceeded } => (TrialStatus.Failed, "DeadlineExceeded", exit.Message),
            { Kind: TrialExitKind.NotStarted } => (TrialStatus.Failed, "NotStarted", exit.Message),
            _ => (TrialStatus.Failed, "WorkerLost", exit.Message),
        };
        return trial with { Status = status, Reason = reason, Message = message, EndedAt = now };
    }

    /// <summary>The trial before a further attempt: what the last one reported is forgotten.</summary>
    public static TrialState Again(TrialState trial, string message, ObjectiveSpec objective) => trial with
    {
        Status = TrialStatus.Created,
        Attempt = trial.Attempt + 1,
        Reason = "WorkerLost",
        Message = message,
        StartedAt = null,
        Observation = Observation.Of(objective.AllMetricNames),
    };

    /// <summary>The trial after it was stopped because its experiment has ended.</summary>
    public static TrialState Kill(TrialState trial, DateTimeOffset now) => trial with
    {
        Status = TrialStatus.Killed,
        Reason = "TrialKilled",
        Message = "Trial is stopped because the experiment has ended",
        EndedAt = now,
    };

    private static (TrialStatus Status, string Reason, string Message) Judge(
        ObjectiveValue value, ObjectiveSpec objective, TrialExit exit)
    {
        if (value.Value is { } number)
        {
            return (
                TrialStatus.Succeeded, "TrialSucceeded", $"Trial has succeeded with {objective.MetricName}={Numbers.Format(number)}");
        }

        return value.Reason is MetricSummary.Unavailable
            ? (TrialStatus.MetricsUnavailable, "MetricsUnavailable", Unreported(objective.MetricName, exit))
            : (TrialStatus.Failed, "TrialFailed", $"'{objective.MetricName}' is {value.Reason}");
    }

    private static string Unreported(string metric, TrialExit exit) =>
        string.Join(' ', new[] { $"'{metric}' was never reported.", exit.WhyUnavailable, exit.Message }
            .Where(static sentence => !string.IsNullOrEmpty(sentence)));
}
