using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Tests.Experiments;

public sealed class TrialEndingTests
{
    [Theory]
    [InlineData(TrialExitKind.Exited, 0, "0.5", TrialStatus.Succeeded, "TrialSucceeded")]
    [InlineData(TrialExitKind.Exited, 0, "inf", TrialStatus.Succeeded, "TrialSucceeded")]
    [InlineData(TrialExitKind.Exited, 0, "1e300", TrialStatus.Succeeded, "TrialSucceeded")]
    [InlineData(TrialExitKind.Exited, 0, null, TrialStatus.MetricsUnavailable, "MetricsUnavailable")]
    [InlineData(TrialExitKind.Exited, 0, "NaN", TrialStatus.Failed, "TrialFailed")]
    [InlineData(TrialExitKind.Exited, 0, "abc", TrialStatus.Failed, "TrialFailed")]
    [InlineData(TrialExitKind.Exited, 1, "0.5", TrialStatus.Failed, "TrialFailed")]
    [InlineData(TrialExitKind.DeadlineExceeded, null, "0.5", TrialStatus.Failed, "DeadlineExceeded")]
    [InlineData(TrialExitKind.TimedOut, null, "0.5", TrialStatus.Failed, "TrialTimedOut")]
    [InlineData(TrialExitKind.OutOfMemory, 137, "0.5", TrialStatus.Failed, "OOMKilled")]
    [InlineData(TrialExitKind.NotStarted, null, null, TrialStatus.Failed, "NotStarted")]
    public void An_end_has_its_status_and_reason(
        TrialExitKind kind, int? code, string? loss, TrialStatus status, string reason)
    {
        var ended = TrialEnding.Apply(
            Given.Trial(1, TrialStatus.Running, loss), new(kind, code, "what happened"), Given.Spec(), Given.Now);

        Assert.Equal((status, reason, Given.Now), (ended.Status, ended.Reason, ended.EndedAt));
        Assert.NotEmpty(ended.Message);
    }

    [Fact]
    public void Without_its_metric_a_trial_says_what_was_found_in_its_place()
    {
        var exit = new TrialExit(TrialExitKind.Exited, 0, "") { WhyUnavailable = "Found 'los', expected 'loss'." };

        var ended = TrialEnding.Apply(Given.Trial(1, TrialStatus.Running), exit, Given.Spec(), Given.Now);

        Assert.Equal("'loss' was never reported. Found 'los', expected 'loss'.", ended.Message);
    }

    [Fact]
    public void A_lost_trial_begins_again_with_the_same_parameters_and_nothing_reported()
    {
        var lost = TrialEnding.Apply(
            Given.Trial(1, TrialStatus.Running, "0.5"), new(TrialExitKind.Lost, null, "gone"), Given.Spec(), Given.Now);

        Assert.Equal((TrialStatus.Created, 2, "WorkerLost"), (lost.Status, lost.Attempt, lost.Reason));
        Assert.Equal("Retry 1 of 9 follows. gone", lost.Message);
        Assert.Equal([new FailedAttempt(1, FailureClass.Infra, null, "WorkerLost", Given.Now)], lost.FailedAttempts);
        Assert.Equal(Given.Trial(1, TrialStatus.Running).Assignments, lost.Assignments);
        Assert.Equal("unavailable", lost.Observation.Metrics[0].Latest);
    }

    [Theory]
    [InlineData(TrialExitKind.Lost, null, 3, "WorkerLost")]
    [InlineData(TrialExitKind.OutOfMemory, 137, 1, "OOMKilled")]
    [InlineData(TrialExitKind.Exited, 7, 2, "TrialFailed")]
    [InlineData(TrialExitKind.TimedOut, null, 2, "TrialTimedOut")]
    [InlineData(TrialExitKind.NotStarted, null, 2, "NotStarted")]
    public void A_trial_is_tried_again_as_often_as_its_class_may_be(TrialExitKind kind, int? code, int retries, string reason)
    {
        var spec = Given.Spec() with { Policy = RunPolicy.Default with { Retries = new(Infra: 3, Oom: 1, User: 2) } };
        var trial = Given.Trial(1, TrialStatus.Running);

        for (var retry = 1; retry <= retries; retry++)
        {
            trial = TrialEnding.Apply(trial, new(kind, code, "oh dear"), spec, Given.Now);
            Assert.Equal((TrialStatus.Created, retry + 1, reason), (trial.Status, trial.Attempt, trial.Reason));
            trial = trial with { Status = TrialStatus.Running };
        }

        var ended = TrialEnding.Apply(trial, new(kind, code, "oh dear"), spec, Given.Now);
        Assert.Equal((TrialStatus.Failed, reason), (ended.Status, ended.Reason));
        Assert.Equal($"Failed after {retries} {(retries is 1 ? "retry" : "retries")}. oh dear", ended.Message);
        Assert.Equal(retries + 1, ended.FailedAttempts.Length);
        Assert.All(ended.FailedAttempts, f => Assert.Equal((code, reason), (f.Code, f.Reason)));
    }

    [Fact]
    public void Each_class_is_counted_for_itself()
    {
        var spec = Given.Spec() with { Policy = RunPolicy.Default with { Retries = new(Infra: 1, Oom: 1, User: 1) } };
        var trial = Given.Trial(1, TrialStatus.Running);
        foreach (var kind in (TrialExitKind[])[TrialExitKind.Lost, TrialExitKind.OutOfMemory, TrialExitKind.Exited])
        {
            trial = TrialEnding.Apply(trial, new(kind, 1, ""), spec, Given.Now);
            Assert.Equal(TrialStatus.Created, trial.Status);
        }

        Assert.Equal(TrialStatus.Failed, TrialEnding.Apply(trial, new(TrialExitKind.OutOfMemory, 1, ""), spec, Given.Now).Status);
    }

    [Theory]
    [InlineData(TrialWish.Stop, "0.5", TrialStatus.EarlyStopped, "TrialStopped", "it counts with loss=0.5")]
    [InlineData(TrialWish.Stop, null, TrialStatus.Killed, "TrialStopped", "Trial was stopped on request")]
    [InlineData(TrialWish.Skip, "0.5", TrialStatus.Killed, "TrialSkipped", "Trial was skipped on request")]
    public void A_user_ends_a_trial_with_or_without_its_values(
        TrialWish wish, string? loss, TrialStatus status, string reason, string message)
    {
        var ended = TrialEnding.End(Given.Trial(1, TrialStatus.Running, loss), wish, Given.Spec().Objective, Given.Now);

        Assert.Equal((status, reason, Given.Now), (ended.Status, ended.Reason, ended.EndedAt));
        Assert.Contains(message, ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trial_that_was_interrupted_has_not_failed()
    {
        var interrupted = TrialEnding.Again(Given.Trial(1, TrialStatus.Running), "Interrupted", "", Given.Spec().Objective, Given.Now);

        Assert.Empty(interrupted.FailedAttempts);
    }

    [Theory]
    [InlineData("0.5", TrialStatus.EarlyStopped)]
    [InlineData("NaN", TrialStatus.Failed)]
    [InlineData(null, TrialStatus.Failed)]
    public void A_trial_out_of_time_may_keep_what_it_has_reported(string? loss, TrialStatus status)
    {
        var spec = Given.Spec() with { Policy = RunPolicy.Default with { KeepsTimedOut = true } };

        var ended = TrialEnding.Apply(
            Given.Trial(1, TrialStatus.Running, loss), new(TrialExitKind.TimedOut, null, "Too long.\nlog"), spec, Given.Now);

        Assert.Equal((status, "TrialTimedOut"), (ended.Status, ended.Reason));
        Assert.Equal(loss is "0.5" ? "Too long. It counts with loss=0.5" : "Too long.\nlog", ended.Message);
    }
}
