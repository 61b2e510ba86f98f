using Katib.Coordinator.Metrics;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Experiments;

/// <summary>What the end of a trial's program means for the trial.</summary>
public static class TrialEnding
{
    /// <summary>The trial after its program has ended: over, or to be tried again.</summary>
    public static TrialState Apply(TrialState trial, TrialExit exit, ExperimentSpec spec, DateTimeOffset now)
    {
        var (status, reason, message) = Judge(trial, exit, spec);
        if (status is not TrialStatus.Failed || ClassOf(exit) is not { } failure)
        {
            return trial with { Status = status, Reason = reason, Message = message, EndedAt = now };
        }

        var retried = trial.FailedAttempts.Count(f => f.Class == failure);
        var allowed = spec.Policy.Retries.Of(failure);
        var failed = trial with { FailedAttempts = trial.FailedAttempts.Add(new(trial.Attempt, failure, exit.Code, reason, now)) };
        return retried < allowed
            ? Again(failed, reason, $"Retry {retried + 1} of {allowed} follows. {message}", spec.Objective, now)
            : failed with
            {
                Status = status,
                Reason = reason,
                Message = retried > 0 ? $"Failed after {retried} {(retried is 1 ? "retry" : "retries")}. {message}" : message,
                EndedAt = now,
            };
    }

    /// <summary>The trial before a further attempt: what the last one reported is forgotten.</summary>
    public static TrialState Again(
        TrialState trial, string reason, string message, ObjectiveSpec objective, DateTimeOffset now) => trial with
        {
            Status = TrialStatus.Created,
            Attempt = trial.Attempt + 1,
            Reason = reason,
            Message = message,
            ReasonSince = now,
            StartedAt = null,
            ReportedAt = null,
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

    /// <summary>The trial after it was ended because somebody wants it so.</summary>
    public static TrialState End(TrialState trial, TrialWish wish, ObjectiveSpec objective, DateTimeOffset now)
    {
        var value = wish is TrialWish.Skip ? null : trial.Observation.ValueOf(objective).Value;
        var (reason, what) = wish switch
        {
            TrialWish.Stop => ("TrialStopped", "Trial was stopped on request"),
            TrialWish.Skip => ("TrialSkipped", "Trial was skipped on request"),
            _ => ("TrialEarlyStopped", "Trial is early stopped"),
        };
        return trial with
        {
            Status = value is null ? TrialStatus.Killed : TrialStatus.EarlyStopped,
            Reason = reason,
            Message = value is { } number ? $"{what}; it counts with {objective.MetricName}={Numbers.Format(number)}" : what,
            EndedAt = now,
        };
    }

    private static (TrialStatus Status, string Reason, string Message) Judge(TrialState trial, TrialExit exit, ExperimentSpec spec)
    {
        var value = trial.Observation.ValueOf(spec.Objective);
        return exit switch
        {
            { Kind: TrialExitKind.Exited, Code: 0 } => Judge(value, spec.Objective, exit),
            { Kind: TrialExitKind.Exited } => (TrialStatus.Failed, "TrialFailed", exit.Message),
            { Kind: TrialExitKind.OutOfMemory } => (TrialStatus.Failed, "OOMKilled", exit.Message),
            { Kind: TrialExitKind.DeadlineExceeded } => (TrialStatus.Failed, "DeadlineExceeded", exit.Message),
            { Kind: TrialExitKind.TimedOut } when spec.Policy.KeepsTimedOut && value.Value is { } number => (
                TrialStatus.EarlyStopped,
                "TrialTimedOut",
                $"{exit.Message.Split('\n')[0]} It counts with {spec.Objective.MetricName}={Numbers.Format(number)}"),
            { Kind: TrialExitKind.TimedOut } => (TrialStatus.Failed, "TrialTimedOut", exit.Message),
            { Kind: TrialExitKind.NotStarted } => (TrialStatus.Failed, "NotStarted", exit.Message),
            _ => (TrialStatus.Failed, "WorkerLost", exit.Message),
        };
    }

    /// <summary>What a trial has failed of whose program has not ended well; null where that is not to be tried again.</summary>
    private static FailureClass? ClassOf(TrialExit exit) => exit switch
    {
        // Katib never runs a trial again for its metrics: they would be missing or NaN once more.
        { Kind: TrialExitKind.Exited, Code: 0 } => null,
        { Kind: TrialExitKind.Lost } => FailureClass.Infra,
        { Kind: TrialExitKind.OutOfMemory } => FailureClass.Oom,
        _ => FailureClass.User,
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
            ? (
                TrialStatus.MetricsUnavailable,
                "MetricsUnavailable",
                Sentences($"'{objective.MetricName}' was never reported.", exit.WhyUnavailable, exit.Message))
            : (TrialStatus.Failed, "TrialFailed", Sentences($"'{objective.MetricName}' is {value.Reason}.", exit.Message));
    }

    private static string Sentences(params string?[] sentences) =>
        string.Join(' ', sentences.Where(static sentence => !string.IsNullOrEmpty(sentence)));
}
