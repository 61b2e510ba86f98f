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
    [InlineData(TrialExitKind.NotStarted, null, null, TrialStatus.Failed, "NotStarted")]
    public void An_end_has_its_status_and_reason(
        TrialExitKind kind, int? code, string? loss, TrialStatus status, string reason)
    {
        var ended = TrialEnding.Apply(
            Given.Trial(1, TrialStatus.Running, loss), new(kind, code, "what happened"), Given.Spec().Objective, Given.Now);

        Assert.Equal((status, reason, Given.Now), (ended.Status, ended.Reason, ended.EndedAt));
        Assert.NotEmpty(ended.Message);
    }

    [Fact]
    public void Without_its_metric_a_trial_says_what_was_found_in_its_place()
    {
        var exit = new TrialExit(TrialExitKind.Exited, 0, "") { WhyUnavailable = "Found 'los', expected 'loss'." };

        var ended = TrialEnding.Apply(Given.Trial(1, TrialStatus.Running), exit, Given.Spec().Objective, Given.Now);

        Assert.Equal("'loss' was never reported. Found 'los', expected 'loss'.", ended.Message);
    }

    [Fact]
    public void A_lost_trial_begins_again_with_the_same_parameters_and_nothing_reported()
    {
        var lost = TrialEnding.Apply(
            Given.Trial(1, TrialStatus.Running, "0.5"), new(TrialExitKind.Lost, null, "gone"), Given.Spec().Objective, Given.Now);

        Assert.Equal((TrialStatus.Created, 2), (lost.Status, lost.Attempt));
        Assert.Equal(Given.Trial(1, TrialStatus.Running).Assignments, lost.Assignments);
        Assert.Equal("unavailable", lost.Observation.Metrics[0].Latest);
    }

    [Fact]
    public void A_trial_that_is_lost_again_and_again_fails()
    {
        var last = Given.Trial(1, TrialStatus.Running) with { Attempt = TrialEnding.MaxAttempts };

        var ended = TrialEnding.Apply(last, new(TrialExitKind.Lost, null, "gone"), Given.Spec().Objective, Given.Now);

        Assert.Equal((TrialStatus.Failed, "WorkerLost"), (ended.Status, ended.Reason));
    }
}
