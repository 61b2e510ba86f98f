using System.Collections.Immutable;

namespace Katib.Coordinator.Experiments;

/// <summary>What is to be done next. Every action may be repeated.</summary>
public abstract record ExperimentAction
{
    private ExperimentAction()
    {
    }

    /// <summary>Ask the algorithm for so many more trials.</summary>
    public sealed record RequestTrials(int Count) : ExperimentAction;

    /// <summary>Start a trial that is wanted but does not run yet.</summary>
    public sealed record StartTrial(TrialState Trial) : ExperimentAction;

    /// <summary>End a trial that is no longer wanted.</summary>
    public sealed record StopTrial(TrialState Trial) : ExperimentAction;

    /// <summary>The experiment has ended.</summary>
    public sealed record Finish(Outcome Outcome) : ExperimentAction;
}

/// <summary>Katib's experiment as a function: from what is wanted and what is the case to what is to be done.</summary>
public static class ExperimentMachine
{
    /// <summary>The next actions, in their order; none when there is only to wait.</summary>
    public static ImmutableArray<ExperimentAction> Next(ExperimentSpec spec, ExperimentState state)
    {
        var active = state.Trials.Where(static t => t.IsActive).ToArray();
        var stops = active.Select(static t => (ExperimentAction)new ExperimentAction.StopTrial(t));
        if (state.Outcome is not null)
        {
            return [.. stops];
        }

        var unwanted = active
            .Where(t => state.Wishes.ContainsKey(t.Number))
            .Select(static t => (ExperimentAction)new ExperimentAction.StopTrial(t));
        if (Ending(spec, state, active.Length) is { } outcome)
        {
            if (spec.Policy.LetsTrialsFinish && active.Any(static t => t.Status is not TrialStatus.Created))
            {
                return [.. unwanted];
            }

            return [new ExperimentAction.Finish(outcome), .. stops];
        }

        if (state.IsPaused)
        {
            return [.. unwanted];
        }

        // Where maxTrialCount was lowered there may be more trials than it allows: what runs, runs on.
        var running = active.Count(static t => t.Status is not TrialStatus.Created);
        var max = spec.MaxTrialCount ?? int.MaxValue;
        var slots = Math.Min(spec.ParallelTrialCount, max - (state.Trials.Length - active.Length)) - running;
        var starts = active
            .Where(t => t.Status is TrialStatus.Created && !state.Wishes.ContainsKey(t.Number))
            .Take(Math.Max(0, slots))
            .Select(static t => (ExperimentAction)new ExperimentAction.StartTrial(t));
        var room = Math.Min(spec.ParallelTrialCount - active.Length, max - state.Trials.Length);
        return room > 0 && !state.IsSearchExhausted
            ? [.. unwanted, .. starts, new ExperimentAction.RequestTrials(room)]
            : [.. unwanted, .. starts];
    }

    /// <summary>The trial with the best objective value so far; the earlier one of equals. Infinities rank as they are.</summary>
    public static TrialState? Best(ObjectiveSpec objective, IEnumerable<TrialState> trials) =>
        trials
            .Where(static t => t.Status is TrialStatus.Succeeded or TrialStatus.EarlyStopped)
            .Where(t => Loss(objective, t) is not null)
            .MinBy(t => Loss(objective, t));

    /// <summary>The trial's objective value with the sign that makes less better; null when it has none.</summary>
    public static double? Loss(ObjectiveSpec objective, TrialState trial) =>
        trial.Observation.ValueOf(objective).Value is { } value ? Sign(objective) * value : null;

    private static Outcome? Ending(ExperimentSpec spec, ExperimentState state, int active)
    {
        var failed = state.Trials.Count(static t => t.IsFailed);
        var ended = state.Trials.Length - active;
        var goal = Sign(spec.Objective) * spec.Objective.Goal;
        var best = Best(spec.Objective, state.Trials) is { } trial ? Loss(spec.Objective, trial) : null;

        // In Katib's order; a maxFailedTrialCount of 0 ends the experiment at the first failure.
        return spec switch
        {
            _ when best <= goal => Outcome.GoalReached,
            { MaxFailedTrialCount: { } max } when failed > 0 && failed >= max => Outcome.MaxFailedReached,
            { MaxTrialCount: { } max } when ended >= max && !state.Trials.Any(static t => t is { IsActive: true, Status: not TrialStatus.Created })
                => Outcome.MaxTrialsReached,
            { Policy.MaxDuration: { } max } when state.Worked >= max => Outcome.MaxDurationReached,
            _ when state.IsSearchExhausted && active is 0 => Outcome.SuggestionEndReached,
            _ => null,
        };
    }

    private static int Sign(ObjectiveSpec objective) => objective.Maximize ? -1 : 1;
}
