using System.Collections.Immutable;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Runners;
using static Katib.Coordinator.Experiments.ExperimentAction;

namespace Katib.Coordinator.Tests.Experiments;

public sealed class ExperimentMachineTests
{
    [Fact]
    public void At_the_end_running_trials_may_finish_where_that_is_asked_for()
    {
        var spec = Given.Spec(max: 9, parallel: 3, goal: 0.5) with { Policy = RunPolicy.Default with { LetsTrialsFinish = true } };
        var reached = Given.Trial(1, TrialStatus.Succeeded, "0.4");

        Assert.Empty(ExperimentMachine.Next(spec, Given.State(reached, Given.Trial(2, TrialStatus.Running), Given.Trial(3, TrialStatus.Created))));

        // What was never begun is not begun any more.
        Assert.Equal(
            [typeof(ExperimentAction.Finish), typeof(ExperimentAction.StopTrial)],
            ExperimentMachine.Next(spec, Given.State(reached, Given.Trial(2, TrialStatus.Succeeded, "0.6"), Given.Trial(3, TrialStatus.Created)))
                .Select(static a => a.GetType()));
    }

    [Fact]
    public void A_new_experiment_asks_for_as_many_trials_as_may_run_at_once()
    {
        Assert.Equal([new RequestTrials(3)], ExperimentMachine.Next(Given.Spec(), Given.State()));
    }

    [Fact]
    public void A_created_trial_is_started_and_free_places_are_filled()
    {
        var created = Given.Trial(1, TrialStatus.Created);

        Assert.Equal(
            [new StartTrial(created), new RequestTrials(1)],
            ExperimentMachine.Next(Given.Spec(), Given.State(created, Given.Trial(2, TrialStatus.Running))));
    }

    [Fact]
    public void Trials_that_begin_again_respect_a_lowered_parallelism()
    {
        var state = Given.State([.. Enumerable.Range(1, 8).Select(static n => Given.Trial(n, TrialStatus.Created))]);

        Assert.Equal(
            ["study-0001", "study-0002"],
            ExperimentMachine.Next(Given.Spec(parallel: 2), state).Cast<StartTrial>().Select(static s => s.Trial.Name));
    }

    [Fact]
    public void The_budget_limits_what_is_asked_for_and_trials_without_metrics_count()
    {
        var state = Given.State(
            Given.Trial(1, TrialStatus.Succeeded, "1"),
            Given.Trial(2, TrialStatus.MetricsUnavailable),
            Given.Trial(3, TrialStatus.Failed));

        Assert.Equal([new RequestTrials(1)], ExperimentMachine.Next(Given.Spec(max: 4), state));
    }

    [Fact]
    public void Reaching_the_goal_finishes_and_stops_what_still_runs()
    {
        var running = Given.Trial(2, TrialStatus.Running);

        Assert.Equal(
            [new Finish(Outcome.GoalReached), new StopTrial(running)],
            ExperimentMachine.Next(Given.Spec(goal: 0.001), Given.State(Given.Trial(1, TrialStatus.Succeeded, "0.0005"), running)));
    }

    [Theory]
    [InlineData(false, "0.5", true)]
    [InlineData(false, "0.51", false)]
    [InlineData(true, "0.5", true)]
    [InlineData(true, "0.49", false)]
    public void The_goal_is_reached_from_the_side_of_the_objective(bool maximize, string value, bool reached)
    {
        var actions = ExperimentMachine.Next(
            Given.Spec(goal: 0.5, maximize: maximize), Given.State(Given.Trial(1, TrialStatus.Succeeded, value)));

        Assert.Equal(reached, actions.Contains(new Finish(Outcome.GoalReached)));
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0, 1, true)]
    [InlineData(2, 1, false)]
    [InlineData(2, 2, true)]
    public void Too_many_failures_fail_the_experiment_and_zero_means_the_first_one(int maxFailed, int failed, bool ends)
    {
        var trials = Enumerable.Range(1, failed)
            .Select(static n => Given.Trial(n, n % 2 is 0 ? TrialStatus.MetricsUnavailable : TrialStatus.Failed));

        var actions = ExperimentMachine.Next(Given.Spec(maxFailed: maxFailed), Given.State([.. trials]));

        Assert.Equal(ends, actions.Contains(new Finish(Outcome.MaxFailedReached)));
    }

    [Fact]
    public void The_experiment_succeeds_when_all_trials_of_the_budget_have_ended()
    {
        var trials = new[] { TrialStatus.Succeeded, TrialStatus.Failed, TrialStatus.Killed, TrialStatus.MetricsUnavailable }
            .Select(static (status, i) => Given.Trial(i + 1, status));

        Assert.Equal(
            [new Finish(Outcome.MaxTrialsReached)],
            ExperimentMachine.Next(Given.Spec(max: 4), Given.State([.. trials])));
    }

    [Fact]
    public void Below_what_has_ended_a_lower_budget_lets_what_runs_run_on()
    {
        var ended = Enumerable.Range(1, 3).Select(static n => Given.Trial(n, TrialStatus.Succeeded, "1")).ToArray();
        var running = Given.Trial(4, TrialStatus.Running);
        var waiting = Given.Trial(5, TrialStatus.Created);

        Assert.Empty(ExperimentMachine.Next(Given.Spec(max: 2, parallel: 2), Given.State([.. ended, running, waiting])));
        Assert.Equal(
            [new Finish(Outcome.MaxTrialsReached), new StopTrial(waiting)],
            ExperimentMachine.Next(Given.Spec(max: 2, parallel: 2), Given.State([.. ended, running with { Status = TrialStatus.Failed }, waiting])));
    }

    [Fact]
    public void Paused_an_experiment_begins_nothing_but_ends()
    {
        var state = Given.State(Given.Trial(1, TrialStatus.Created), Given.Trial(2, TrialStatus.Running)) with { IsPaused = true };
        var done = Given.State(Given.Trial(1, TrialStatus.Succeeded, "0.1")) with { IsPaused = true };

        Assert.Empty(ExperimentMachine.Next(Given.Spec(), state));
        Assert.Equal([new Finish(Outcome.GoalReached)], ExperimentMachine.Next(Given.Spec(goal: 0.5), done));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_unwanted_trial_is_stopped_and_not_begun(bool isPaused)
    {
        var (created, running, ended) = (Given.Trial(1, TrialStatus.Created), Given.Trial(2, TrialStatus.Running), Given.Trial(3, TrialStatus.Failed));
        var state = Given.State(created, running, ended) with
        {
            IsPaused = isPaused,
            Wishes = ImmutableDictionary<int, TrialWish>.Empty.Add(1, TrialWish.Skip).Add(2, TrialWish.Stop).Add(3, TrialWish.Skip),
        };

        var actions = ExperimentMachine.Next(Given.Spec(), state);

        Assert.Equal([new StopTrial(created), new StopTrial(running)], actions.Where(static a => a is not RequestTrials));
    }

    [Fact]
    public void Out_of_time_the_experiment_ends()
    {
        var running = Given.Trial(1, TrialStatus.Running);
        var spec = Given.Spec() with { Policy = RunPolicy.Default with { MaxDuration = TimeSpan.FromMinutes(1) } };

        Assert.Equal(
            [new Finish(Outcome.MaxDurationReached), new StopTrial(running)],
            ExperimentMachine.Next(spec, Given.State(running) with { Worked = TimeSpan.FromMinutes(1) }));
        Assert.DoesNotContain(
            new Finish(Outcome.MaxDurationReached),
            ExperimentMachine.Next(spec, Given.State(running) with { Worked = TimeSpan.FromSeconds(59) }));
    }

    [Fact]
    public void A_search_that_is_at_its_end_waits_for_what_runs_and_then_succeeds()
    {
        var waiting = Given.State(Given.Trial(1, TrialStatus.Running)) with { IsSearchExhausted = true };
        var done = Given.State(Given.Trial(1, TrialStatus.Succeeded, "1")) with { IsSearchExhausted = true };

        Assert.Empty(ExperimentMachine.Next(Given.Spec(), waiting));
        Assert.Equal([new Finish(Outcome.SuggestionEndReached)], ExperimentMachine.Next(Given.Spec(), done));
    }

    [Fact]
    public void A_finished_experiment_only_stops_what_still_runs()
    {
        var running = Given.Trial(1, TrialStatus.Running);
        var state = Given.State(running) with { Outcome = Outcome.MaxTrialsReached };

        Assert.Equal([new StopTrial(running)], ExperimentMachine.Next(Given.Spec(), state));
    }

    [Fact]
    public void The_best_trial_is_the_first_of_equals_and_infinities_rank_worst()
    {
        TrialState[] trials =
        [
            Given.Trial(1, TrialStatus.Succeeded, "inf"),
            Given.Trial(2, TrialStatus.Succeeded, "3"),
            Given.Trial(3, TrialStatus.Succeeded, "3.0"),
            Given.Trial(4, TrialStatus.Running, "1"),
            Given.Trial(5, TrialStatus.Failed, "0"),
        ];

        Assert.Equal("study-0002", ExperimentMachine.Best(Given.Spec().Objective, trials)!.Name);
        Assert.Equal("study-0001", ExperimentMachine.Best(Given.Spec(maximize: true).Objective, trials)!.Name);
        Assert.Null(ExperimentMachine.Best(Given.Spec().Objective, []));
    }

    /// <summary>200 experiments against a random world: each ends, within its budget and its parallelism.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_life_always_ends_within_its_limits(ulong seed)
    {
        var dice = new Philox(seed);
        var draws = 0UL;
        var max = 1 + (int)(Draw() * 30);
        var spec = Given.Spec(goal: Draw() < 0.3 ? 0.01 : null) with
        {
            MaxTrialCount = max,
            MaxFailedTrialCount = (int)(Draw() * (max + 1)),
            ParallelTrialCount = 1 + (int)(Draw() * 6),
        };
        var state = Given.State();

        for (var step = 0; step < 1000; step++)
        {
            var actions = ExperimentMachine.Next(spec, state);
            if (actions.IsEmpty && state.Outcome is not null)
            {
                Assert.All(state.Trials, static t => Assert.False(t.IsActive));
                return;
            }

            state = actions.Aggregate(state, Perform);
            Assert.True(state.Trials.Count(static t => t.IsActive) <= spec.ParallelTrialCount);
            Assert.True(state.Trials.Length <= spec.MaxTrialCount);
            if (actions.IsEmpty)
            {
                var running = state.Trials.Where(static t => t.Status is TrialStatus.Running).ToArray();
                Assert.NotEmpty(running);
                state = state.With(Happen(running[(int)(Draw() * running.Length)]));
            }
        }

        Assert.Fail("The experiment has not ended.");

        double Draw()
        {
            Span<double> draw = stackalloc double[1];
            dice.Fill(draws++, draw);
            return draw[0];
        }

        ExperimentState Perform(ExperimentState before, ExperimentAction action) => action switch
        {
            RequestTrials(var count) when Draw() < 0.05 => before with { IsSearchExhausted = count > 0 },
            RequestTrials(var count) => before with
            {
                Trials = before.Trials.AddRange(
                    Enumerable.Range(before.Trials.Length + 1, count).Select(static n => Given.Trial(n, TrialStatus.Created))),
            },
            StartTrial(var trial) => before.With(trial with { Status = TrialStatus.Running }),
            StopTrial(var trial) => before.With(trial with { Status = TrialStatus.Killed }),
            Finish(var outcome) => before with { Outcome = outcome },
            _ => before,
        };

        TrialState Happen(TrialState trial)
        {
            var reported = Draw() < 0.8
                ? trial with { Observation = trial.Observation.Add(new MetricPoint("loss", Draw().ToString(CultureInfo.InvariantCulture), null)) }
                : trial;
            var exit = new TrialExit(
                Draw() < 0.1 ? TrialExitKind.Lost : TrialExitKind.Exited, Draw() < 0.8 ? 0 : 1, "");
            return TrialEnding.Apply(reported, exit, spec, Given.Now);
        }
    }

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(0, 200).Select(static n => (ulong)n)];
}
