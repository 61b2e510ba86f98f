using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Tests.Experiments;

public sealed class StoppingRuleTests
{
    private static readonly ObjectiveSpec Objective = Given.Spec().Objective with
    {
        AdditionalMetricNames = ["acc"],
        Strategies = Given.Spec().Objective.Strategies.Add("acc", MetricStrategy.Max),
    };

    [Theory]
    [InlineData("3 2 4", 2, false)] // The best so far is 2.
    [InlineData("3 2 4", 1.5, true)]
    [InlineData("3 3", 1.5, false)] // Not yet at the third report.
    [InlineData("3 3 3 3", 1.5, true)]
    [InlineData("NaN NaN NaN", 1.5, false)]
    [InlineData("Infinity inf inf", 1.5, true)]
    [InlineData("", 1.5, false)]
    public void The_best_so_far_is_compared_from_the_start_step_on(string losses, double value, bool isStopped) =>
        Assert.Equal(isStopped, Verdict([new("loss", value, StoppingComparison.Greater, 3)], losses) is not null);

    [Fact]
    public void Of_one_metrics_rules_the_last_one_reached_holds()
    {
        StoppingRule[] rungs = [new("loss", 5, StoppingComparison.Greater, 1), new("loss", 2, StoppingComparison.Greater, 3)];

        Assert.Null(Verdict(rungs, "4"));
        Assert.NotNull(Verdict(rungs, "6"));
        Assert.NotNull(Verdict(rungs, "4 4 4"));
        Assert.Null(Verdict([.. rungs.Reverse()], "1 6 6"));
    }

    [Fact]
    public void Rules_for_several_metrics_must_all_be_met()
    {
        StoppingRule[] both = [new("loss", 2, StoppingComparison.Greater, 1), new("acc", 0.5, StoppingComparison.Less, 1)];

        Assert.Null(Verdict(both, "3"));
        Assert.Null(Verdict(both, "3", "0.1 0.6")); // Its latest counts.
        Assert.Equal(
            "the best loss after 1 reports is 3.0, more than 2.0 and acc after 2 reports is 0.1, less than 0.5",
            Verdict(both, "3", "0.6 0.1"));
        Assert.Null(Verdict([new("other", 2, StoppingComparison.Greater, 0)], "3"));
        Assert.Null(Verdict([], "3"));
    }

    [Fact]
    public void A_maximised_objective_is_compared_by_its_largest()
    {
        var observation = Observe("0.1 0.9 0.2", "");

        Assert.Null(StoppingRule.Verdict([new("loss", 0.5, StoppingComparison.Less, 1)], observation, Objective with { Maximize = true }));
        Assert.NotNull(StoppingRule.Verdict([new("loss", 0.95, StoppingComparison.Less, 1)], observation, Objective with { Maximize = true }));
    }

    private static string? Verdict(StoppingRule[] rules, string losses, string accuracies = "") =>
        StoppingRule.Verdict([.. rules], Observe(losses, accuracies), Objective);

    private static Observation Observe(string losses, string accuracies) => Observation.Of(["loss", "acc"])
        .Add(losses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static v => new MetricPoint("loss", v, null)))
        .Add(accuracies.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static v => new MetricPoint("acc", v, null)));
}
