using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Tests.Experiments;

public sealed class TrialOutlookTests
{
    private static readonly DateTimeOffset Later = Given.Now + TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData(3, "It waits for one of 3 parallel places.")]
    [InlineData(1, "It waits for the one place.")]
    public void A_trial_that_has_not_begun_waits_for_a_place(int parallel, string next)
    {
        var outlook = Of(Given.Trial(1, TrialStatus.Created) with { Reason = TrialReasons.Created }, parallel);

        Assert.Equal((TrialReasons.Created, Given.Now, next), (outlook.Reason, outlook.Since, outlook.Next));
    }

    [Fact]
    public void A_paused_experiment_keeps_its_trials()
    {
        var trial = Given.Trial(1, TrialStatus.Created);

        var outlook = TrialOutlook.Of(Given.Spec(), Given.State(trial) with { IsPaused = true }, trial);

        Assert.Equal("It waits until the experiment is resumed.", outlook!.Next);
    }

    [Fact]
    public void A_trial_that_has_failed_says_that_it_is_tried_again_and_since_when()
    {
        var again = TrialEnding.Again(Given.Trial(1, TrialStatus.Running), "WorkerLost", "gone", Given.Spec().Objective, Later);

        var outlook = Of(again);

        Assert.Equal(("WorkerLost", Later), (outlook.Reason, outlook.Since));
        Assert.Equal("It is tried again, attempt 2, on one of 3 parallel places.", outlook.Next);
    }

    [Theory]
    [InlineData(null, "It runs; no value of 'loss' so far.")]
    [InlineData("0.5", "It runs; loss=0.5 so far.")]
    public void A_trial_that_runs_says_what_it_has_reported(string? loss, string next) =>
        Assert.Equal(next, Of(Running(loss)).Next);

    [Fact]
    public void A_trial_that_runs_says_when_it_is_stopped()
    {
        var spec = Given.Spec() with { Policy = RunPolicy.Default with { TrialTimeout = TimeSpan.FromMinutes(30) } };

        var outlook = TrialOutlook.Of(spec, Given.State(Running()), Running());

        Assert.Equal("It runs; no value of 'loss' so far; it is stopped after 30m.", outlook!.Next);
    }

    [Fact]
    public void What_the_runner_says_is_told_since_it_says_it()
    {
        var waiting = Running().Note(TrialReasons.WaitingForGpu, "It waits for a device.", Later);

        Assert.Equal(new(TrialReasons.WaitingForGpu, Later, "It waits for a device."), Of(waiting));
    }

    [Fact]
    public void A_program_that_says_nothing_has_run_since_its_start_until_its_first_value()
    {
        var silent = Running().Note(TrialReasons.NothingReported, "Nothing.", Later);

        var heard = silent.Hear([new("loss", "1", null)], Given.Spec().Objective, Later);

        Assert.Equal((TrialReasons.NothingReported, Given.Now), (Of(silent).Reason, Of(silent).Since));
        Assert.Equal((TrialReasons.Running, Given.Now, Later), (Of(heard).Reason, Of(heard).Since, heard.ReportedAt));
    }

    [Fact]
    public void Another_metric_is_not_what_was_missed()
    {
        var silent = Running().Note(TrialReasons.NothingReported, "Nothing.", Later);

        var heard = silent.Hear([new("accuracy", "1", null)], Given.Spec().Objective, Later);

        Assert.Equal(TrialReasons.NothingReported, heard.Reason);
    }

    [Theory]
    [InlineData(TrialStatus.Succeeded)]
    [InlineData(TrialStatus.Failed)]
    [InlineData(TrialStatus.Killed)]
    public void A_trial_that_is_over_has_none(TrialStatus status) =>
        Assert.Null(TrialOutlook.Of(Given.Spec(), Given.State(), Given.Trial(1, status)));

    private static TrialState Running(string? loss = null) => Given.Trial(1, TrialStatus.Running, loss) with
    {
        Reason = TrialReasons.Running,
        Message = TrialReasons.RunningMessage,
    };

    private static TrialOutlook Of(TrialState trial, int parallel = 3) =>
        TrialOutlook.Of(Given.Spec(parallel: parallel), Given.State(trial), trial)!;
}
