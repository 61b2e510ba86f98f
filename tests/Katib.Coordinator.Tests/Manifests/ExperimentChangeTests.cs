using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class ExperimentChangeTests
{
    [Fact]
    public void A_default_written_out_is_no_change()
    {
        var change = Change("  maxTrialCount: 12", "  maxTrialCount: 12\n  resumePolicy: Never");

        Assert.IsType<ExperimentChange.None>(change);
    }

    [Fact]
    public void A_number_in_another_spelling_is_no_change() =>
        Assert.IsType<ExperimentChange.None>(Change("goal: 0.99", "goal: 0.990"));

    [Fact]
    public void Labels_are_no_change() =>
        Assert.IsType<ExperimentChange.None>(Change("  name: digits", "  name: digits\n  labels: {team: a}"));

    [Fact]
    public void Budgets_may_differ_by_themselves()
    {
        var change = Change(
            "  parallelTrialCount: 3\n  maxTrialCount: 12", "  parallelTrialCount: 4\n  maxTrialCount: 20\n  maxFailedTrialCount: 0");

        Assert.Equal(
            ["spec.parallelTrialCount: 3 -> 4", "spec.maxTrialCount: 12 -> 20", "spec.maxFailedTrialCount: (nothing) -> 0"],
            Assert.IsType<ExperimentChange.Budgets>(change).Changes.Select(static c => c.ToString()));
    }

    [Fact]
    public void Anything_else_is_listed_with_the_budgets()
    {
        var change = Change(
            "    goal: 0.99\n    objectiveMetricName: accuracy\n  algorithm:\n    algorithmName: random\n  parallelTrialCount: 3",
            "    objectiveMetricName: loss\n  algorithm:\n    algorithmName: grid\n  parallelTrialCount: 4");

        var other = Assert.IsType<ExperimentChange.Other>(change);
        Assert.Equal(0, other.ChangesLeftOut);
        Assert.Equal(
            [
                "spec.objective.goal: 0.99 -> (nothing)",
                "spec.objective.objectiveMetricName: \"accuracy\" -> \"loss\"",
                "spec.objective.metricStrategies[0].name: \"accuracy\" -> \"loss\"",
                "spec.algorithm.algorithmName: \"random\" -> \"grid\"",
                "spec.parallelTrialCount: 3 -> 4",
            ],
            other.Changes.Select(static c => c.ToString()));
    }

    [Fact]
    public void A_value_in_the_template_is_a_change()
    {
        var other = Assert.IsType<ExperimentChange.Other>(Change("\"train.py\"", "\"train2.py\", \"-v\""));

        Assert.Equal("spec.trialTemplate.trialSpec.spec.template.spec.containers[0].command[1]", other.Changes[0].Path);
        Assert.Equal(3, other.Changes.Length);
    }

    [Fact]
    public void No_more_than_twenty_changes_are_listed()
    {
        var arguments = string.Join(", ", Enumerable.Range(0, 30));

        var other = Assert.IsType<ExperimentChange.Other>(Change("image: docker", $"args: {{{arguments}}}\n                image: docker"));
        var many = Assert.IsType<ExperimentChange.Other>(ExperimentChange.Between(
            new JsonObject { ["spec"] = new JsonArray([.. Enumerable.Range(0, 30).Select(static i => JsonValue.Create(i))]) },
            new JsonObject { ["spec"] = new JsonArray([.. Enumerable.Range(0, 30).Select(static i => JsonValue.Create(-1 - i))]) }));

        Assert.Single(other.Changes);
        Assert.Equal((20, 10), (many.Changes.Length, many.ChangesLeftOut));
    }

    [Theory]
    [InlineData(null, ResumePolicy.Never, 5, 6, null)]
    [InlineData(null, ResumePolicy.Never, 5, null, null)]
    [InlineData(null, ResumePolicy.Never, 5, 5, "maxTrialCount 5 is not above the 5 trials that exist already. Set it to 6 or more.")]
    [InlineData(null, ResumePolicy.LongRunning, 5, 2, "maxTrialCount 2 is not above the 5 trials")]
    [InlineData("ExperimentMaxTrialsReached", ResumePolicy.LongRunning, 5, 6, null)]
    [InlineData("ExperimentMaxTrialsReached", ResumePolicy.FromVolume, 5, null, null)]
    [InlineData("ExperimentMaxDurationReached", ResumePolicy.LongRunning, 5, 6, null)]
    [InlineData("ExperimentMaxDurationReached", ResumePolicy.Never, 5, 6, "its resumePolicy is Never")]
    [InlineData("ExperimentMaxTrialsReached", ResumePolicy.FromVolume, 5, 5, "maxTrialCount 5 is not above the 5 trials")]
    [InlineData("ExperimentMaxTrialsReached", ResumePolicy.Never, 5, 6, "its resumePolicy is Never")]
    [InlineData("ExperimentGoalReached", ResumePolicy.LongRunning, 5, 6, "has ended with ExperimentGoalReached")]
    [InlineData("ExperimentFailed", ResumePolicy.LongRunning, 5, 6, "has ended with ExperimentFailed")]
    public void A_budget_changes_by_Katibs_rule(string? endReason, ResumePolicy policy, int trials, int? max, string? refusal)
    {
        var said = BudgetRule.Refusal(endReason, policy, trials, max);

        if (refusal is null)
        {
            Assert.Null(said);
        }
        else
        {
            Assert.Contains(refusal, said, StringComparison.Ordinal);
        }
    }

    private static ExperimentChange Change(string old, string replacement)
    {
        var text = Corpus.Read("Valid", "random.yaml");
        Assert.Contains(old, text, StringComparison.Ordinal);
        return ExperimentChange.Between(
            ExperimentYaml.Parse(text).Spec!.Manifest,
            ExperimentYaml.Parse(text.Replace(old, replacement, StringComparison.Ordinal)).Spec!.Manifest);
    }
}
