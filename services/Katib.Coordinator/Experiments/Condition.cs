using System.Collections.Immutable;

namespace Katib.Coordinator.Experiments;

/// <summary>One entry of a Katib status: a fact, since when it holds, and why.</summary>
public sealed record Condition(
    string Type, bool Status, string Reason, string Message, DateTimeOffset LastUpdateTime, DateTimeOffset LastTransitionTime);

/// <summary>Katib's mechanics of conditions: the last of the list is the current state.</summary>
public static class Conditions
{
    /// <summary>Created.</summary>
    public const string Created = "Created";

    /// <summary>Running; false once the experiment has ended.</summary>
    public const string Running = "Running";

    /// <summary>Restarting; stays true after a restart.</summary>
    public const string Restarting = "Restarting";

    /// <summary>Succeeded.</summary>
    public const string Succeeded = "Succeeded";

    /// <summary>Failed.</summary>
    public const string Failed = "Failed";

    /// <summary>Sets a condition: it moves to the end when its status or reason changes, and stays as it is otherwise.</summary>
    public static ImmutableArray<Condition> Set(
        this ImmutableArray<Condition> conditions, string type, bool status, string reason, string message, DateTimeOffset now)
    {
        var old = conditions.FirstOrDefault(c => c.Type == type);
        if (old is not null && old.Status == status && old.Reason == reason)
        {
            return conditions;
        }

        var since = old?.Status == status ? old.LastTransitionTime : now;
        return [.. conditions.Where(c => c.Type != type), new(type, status, reason, message, now, since)];
    }

    /// <summary>The experiment has just been created and is under way.</summary>
    public static ImmutableArray<Condition> Begin(DateTimeOffset now) =>
        ImmutableArray<Condition>.Empty
            .Set(Created, true, "ExperimentCreated", "Experiment is created", now)
            .Set(Running, true, "ExperimentRunning", "Experiment is running", now);

    /// <summary>The experiment has ended; Running turns false and keeps its reason.</summary>
    public static ImmutableArray<Condition> End(
        this ImmutableArray<Condition> conditions, Outcome outcome, DateTimeOffset now) =>
        conditions
            .Set(Running, false, "ExperimentRunning", "Experiment is running", now)
            .Set(outcome.Succeeded ? Succeeded : Failed, true, outcome.Reason, outcome.Message, now);

    /// <summary>The experiment goes on with a larger budget: how it ended is forgotten.</summary>
    public static ImmutableArray<Condition> Restart(this ImmutableArray<Condition> conditions, DateTimeOffset now)
    {
        ImmutableArray<Condition> open = [.. conditions.Where(static c => c.Type is not (Succeeded or Failed))];
        return open
            .Set(Restarting, true, "ExperimentRestarting", "Experiment is restarted", now)
            .Set(Running, true, "ExperimentRunning", "Experiment is running", now);
    }

    /// <summary>How the experiment ended, as its conditions tell; null while it goes on.</summary>
    public static Outcome? OutcomeOf(this ImmutableArray<Condition> conditions) =>
        conditions.FirstOrDefault(static c => c is { Status: true, Type: Succeeded or Failed }) is { } end
            ? new(end.Type is Succeeded, end.Reason, end.Message)
            : null;
}
