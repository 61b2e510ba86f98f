using System.Globalization;
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
    public static Rows Of(ExperimentSpec spec, ExperimentState state, DateTimeOffset now) => new(
        new Markup(Headline(spec, state, now)),
        new Markup(Best(spec, state)),
        Trials(spec, state, now));

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
                Text((trial.EndedAt ?? now) - (trial.StartedAt ?? trial.CreatedAt)),
                Markup.Escape(Objective(spec, trial)),
                Markup.Escape(Detail(trial)));
        }

        return table;
    }

    private static string Status(TrialState trial) => trial.Status switch
    {
        TrialStatus.Succeeded => "[green]Succeeded[/]",
        TrialStatus.Failed or TrialStatus.MetricsUnavailable => $"[red]{trial.Status}[/]",
        TrialStatus.Running => "[blue]Running[/]",
        var other => other.ToString(),
    };

    /// <summary>The parameters; why, where the trial has not gone as it was meant to.</summary>
    private static string Detail(TrialState trial) => trial switch
    {
        { IsFailed: true } or { Status: TrialStatus.Created, Reason: not "TrialCreated" } => trial.Message.Split('\n', 2)[0],
        { Status: TrialStatus.EarlyStopped } => $"{Parameters(trial)} ({trial.Reason})",
        _ => Parameters(trial),
    };

    private static string Parameters(TrialState trial) =>
        string.Join(' ', trial.Assignments.Select(static a => $"{a.Name}={a.Value}"));

    private static string Objective(ExperimentSpec spec, TrialState trial) =>
        trial.Observation.Metrics.Single(m => m.Name == spec.Objective.MetricName)
            .By(spec.Objective.Strategies[spec.Objective.MetricName]) is var value and not MetricSummary.Unavailable
            ? value
            : "";
}
