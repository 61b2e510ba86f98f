using System.Globalization;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Spectre.Console;

namespace Katib.Cli.Rendering;

/// <summary>An experiment on the screen: how far it is, the best so far, and what each trial is up to.</summary>
internal static class ExperimentView
{
    private const int MaxEndedTrials = 8;
    private const int MaxActiveTrials = 24;

    /// <summary>Everything in one picture, for a live display and for <c>katib status</c>.</summary>
    public static Rows Of(KnownExperiment known, DateTimeOffset now) => new(
        new Markup(Headline(known.Spec, known.State, now)),
        new Markup(Best(known.Spec, known.State)),
        Trials(known.Spec, known.State, now),
        new Text(known.Note ?? ""));

    /// <summary>The best trial in one line, as plain text.</summary>
    public static string BestLine(ExperimentSpec spec, ExperimentState state) =>
        ExperimentMachine.Best(spec.Objective, state.Trials) is { } best
            ? $"{spec.Objective.MetricName}={Objective(spec, best)} ({best.Name}) with {Parameters(best)}"
            : $"no trial has reported {spec.Objective.MetricName} yet";

    /// <summary>How long the rest will take if it goes on as so far; null when that cannot be told.</summary>
    public static TimeSpan? TimeLeft(ExperimentSpec spec, ExperimentState state)
    {
        var durations = state.Trials
            .Where(static t => t is { StartedAt: not null, EndedAt: not null })
            .Select(static t => (t.EndedAt!.Value - t.StartedAt!.Value).TotalSeconds)
            .ToArray();
        if (spec.MaxTrialCount is not { } max || durations.Length is 0 || state.Outcome is not null)
        {
            return null;
        }

        var left = max - state.Trials.Count(static t => !t.IsActive);
        return TimeSpan.FromSeconds(durations.Average() * Math.Ceiling((double)left / spec.ParallelTrialCount));
    }

    /// <summary>A duration as people say it: 850 ms, 12 s, 3 min 20 s, 2 h 5 min.</summary>
    public static string Text(TimeSpan time) => time switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, time.TotalMilliseconds):0} ms"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(time.TotalHours):0} h {time.Minutes} min"),
    };

    private static string Headline(ExperimentSpec spec, ExperimentState state, DateTimeOffset now)
    {
        var ended = state.Trials.Count(static t => !t.IsActive);
        var failed = state.Trials.Count(static t => t.IsFailed);
        var of = spec.MaxTrialCount is { } max ? $" of {max}" : "";
        var current = state is { IsPaused: true, Outcome: null } ? "Paused" : state.Conditions[^1].Type;
        var colour = state.Outcome switch { null => "blue", { Succeeded: true } => "green", _ => "red" };
        var left = TimeLeft(spec, state) is { } time ? $", about {Text(time)} left" : "";
        return $"[bold]{Markup.Escape(spec.Name)}[/] ({Markup.Escape(spec.Algorithm.Name)})  [{colour}]{current}[/]  "
            + $"{ended}{of} trials ended"
            + (failed > 0 ? $", [red]{failed} failed[/]" : "")
            + $", {Text((state.EndedAt ?? now) - state.StartedAt)}{left}"
            + (state.Outcome is { } outcome ? $"\n{Markup.Escape(outcome.Message)}" : "");
    }

    private static string Best(ExperimentSpec spec, ExperimentState state) =>
        $"best so far: {Markup.Escape(BestLine(spec, state))}";

    private static Table Trials(ExperimentSpec spec, ExperimentState state, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("trial", "status", "age");
        _ = table.AddColumn(new TableColumn(Markup.Escape(spec.Objective.MetricName)).RightAligned());
        _ = table.AddColumn("parameters, or the reason");
        var ended = state.Trials.Where(static t => !t.IsActive).TakeLast(MaxEndedTrials);
        var active = state.Trials.Where(static t => t.IsActive).Take(MaxActiveTrials);
        foreach (var trial in ended.Concat(active))
        {
            _ = table.AddRow(
                Markup.Escape(trial.Name),
                Status(trial),
                Text(Age(spec, state, trial, now)),
                Markup.Escape(Objective(spec, trial)),
                Markup.Escape(Detail(spec, state, trial, now)));
        }

        return table;
    }

    /// <summary>How long a trial has taken; while it is not over, for how long it has stood where it stands.</summary>
    public static TimeSpan Age(ExperimentSpec spec, ExperimentState state, TrialState trial, DateTimeOffset now) =>
        TrialOutlook.Of(spec, state, trial) is { } outlook
            ? now - outlook.Since
            : (trial.EndedAt ?? now) - (trial.StartedAt ?? trial.CreatedAt);

    /// <summary>What a trial that is not over does or waits for; null when it is over.</summary>
    public static string? Next(ExperimentSpec spec, ExperimentState state, TrialState trial, DateTimeOffset now) =>
        TrialOutlook.Of(spec, state, trial) is not { } outlook ? null
        : trial.ReportedAt is { } reported ? $"{outlook.Next} The last value came {Text(now - reported)} ago."
        : outlook.Next;

    private static string Status(TrialState trial) => trial.Status switch
    {
        TrialStatus.Succeeded => "[green]Succeeded[/]",
        TrialStatus.Failed or TrialStatus.MetricsUnavailable => $"[red]{trial.Status}[/]",
        TrialStatus.Running => "[blue]Running[/]",
        var other => other.ToString(),
    };

    /// <summary>The parameters; or why it has not gone as it was meant to; and what comes next, where it is not over.</summary>
    private static string Detail(ExperimentSpec spec, ExperimentState state, TrialState trial, DateTimeOffset now) => trial switch
    {
        { IsFailed: true } => trial.Message.Split('\n', 2)[0],
        { Status: TrialStatus.EarlyStopped } => $"{Parameters(trial)} ({trial.Reason})",
        { IsActive: true } => $"{Parameters(trial)}\n{Waiting(trial)}{Next(spec, state, trial, now)}",
        _ => Parameters(trial),
    };

    /// <summary>What the status does not say.</summary>
    private static string Waiting(TrialState trial) => trial.Reason switch
    {
        TrialReasons.Running or TrialReasons.Created => "",
        _ when trial.Status is TrialStatus.Created => $"{trial.Message.Split('\n', 2)[0]} ",
        _ => $"{trial.Reason}: ",
    };

    /// <summary>A trial's parameters in one line.</summary>
    public static string Parameters(TrialState trial) =>
        string.Join(' ', trial.Assignments.Select(static a => $"{a.Name}={a.Value}"));

    private static string Objective(ExperimentSpec spec, TrialState trial) =>
        trial.Observation.Metrics.Single(m => m.Name == spec.Objective.MetricName)
            .By(spec.Objective.Strategies[spec.Objective.MetricName]) is var value and not MetricSummary.Unavailable
            ? value
            : "";
}
