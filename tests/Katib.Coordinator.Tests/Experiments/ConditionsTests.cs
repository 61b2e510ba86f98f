using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Tests.Experiments;

public sealed class ConditionsTests
{
    private static readonly DateTimeOffset Later = Given.Now.AddMinutes(1);

    [Fact]
    public void The_last_condition_is_the_current_state_and_Running_turns_false_at_the_end()
    {
        var conditions = Conditions.Begin(Given.Now).End(Outcome.MaxTrialsReached, Later);

        Assert.Equal(["Created", "Running", "Succeeded"], conditions.Select(static c => c.Type));
        Assert.False(conditions[1].Status);
        Assert.Equal("ExperimentRunning", conditions[1].Reason);
        Assert.Equal("ExperimentMaxTrialsReached", conditions[2].Reason);
        Assert.Equal(Outcome.MaxTrialsReached, conditions.OutcomeOf());
    }

    [Fact]
    public void A_restart_forgets_how_the_experiment_ended()
    {
        var conditions = Conditions.Begin(Given.Now).End(Outcome.MaxTrialsReached, Given.Now).Restart(Later);

        Assert.Equal(["Created", "Restarting", "Running"], conditions.Select(static c => c.Type));
        Assert.All(conditions, static c => Assert.True(c.Status));
        Assert.Null(conditions.OutcomeOf());
    }

    [Fact]
    public void A_condition_with_the_same_status_and_reason_stays_as_it_is()
    {
        var before = Conditions.Begin(Given.Now);

        Assert.Equal(before, before.Set("Created", true, "ExperimentCreated", "another message", Later));
    }

    [Fact]
    public void A_condition_moves_to_the_end_and_keeps_its_transition_time_when_only_the_reason_changes()
    {
        var after = Conditions.Begin(Given.Now).Set("Created", true, "OtherReason", "", Later);

        Assert.Equal("Created", after[^1].Type);
        Assert.Equal((Later, Given.Now), (after[^1].LastUpdateTime, after[^1].LastTransitionTime));
    }
}
