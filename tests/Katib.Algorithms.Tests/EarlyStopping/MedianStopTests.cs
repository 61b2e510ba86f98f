using System.Collections.Immutable;
using Katib.Algorithms.EarlyStopping;

namespace Katib.Algorithms.Tests.EarlyStopping;

public sealed class MedianStopTests
{
    [Fact]
    public void The_median_of_the_averages_at_the_start_step_is_the_threshold()
    {
        // Averages of the first two: 1, 2, 6; their mean would be 3.
        Assert.Equal([new(2, 2)], Decide([("start_step", "2")], [0, 2, 100], [2, 2], [5, 7]));
        Assert.Equal([new(4, 2)], Decide([("start_step", "2")], [0, 2], [2, 2], [5, 7], [100, 100]));
    }

    [Fact]
    public void Nobody_is_given_up_before_so_many_have_succeeded()
    {
        Assert.Empty(Decide([], [1], [2]));
        Assert.Equal([new(2, 4)], Decide([], [1], [2], [3]));
        Assert.Equal([new(1, 4)], Decide([("min_trials_required", "1")], [1]));
        Assert.Empty(Decide([("min_trials_required", "1")]));
    }

    [Fact]
    public void What_is_no_number_is_passed_over_and_so_is_a_trial_without_any()
    {
        Assert.Equal([new(2, 2)], Decide([("start_step", "2")], [double.NaN, 1], [2, 2], [3, double.NaN, 100]));
        Assert.Empty(Decide([], [], [double.NaN], [2], [3]));
    }

    [Fact]
    public void Large_and_infinite_values_are_ordinary()
    {
        Assert.Equal([new(1e308, 4)], Decide([], [1e308, 1e308, 1e308], [1e308], [1e308]));
        Assert.Equal([new(1.6e308, 4)], Decide([("min_trials_required", "2")], [1.6e308], [1.6e308]));
        Assert.Equal([new(3, 4)], Decide([], [2], [3], [double.PositiveInfinity]));
        Assert.Equal([new(double.PositiveInfinity, 4)], Decide([("min_trials_required", "2")], [double.PositiveInfinity], [double.PositiveInfinity]));
        Assert.Empty(Decide([("min_trials_required", "2")], [double.PositiveInfinity], [double.NegativeInfinity]));
        Assert.Empty(Decide([("min_trials_required", "1")], [double.PositiveInfinity, double.NegativeInfinity]));
    }

    /// <summary>Katib's case MS1.</summary>
    [Theory]
    [InlineData("min_trials_required", "0", "min_trials_required must be greater than zero (>0)")]
    [InlineData("start_step", "0", "start_step must be greater or equal than one (>=1)")]
    [InlineData("unknown_conf", "1", "unknown setting unknown_conf for algorithm medianstop")]
    [InlineData("start_step", "two", "failed to validate start_step(two): must be a whole number")]
    public void Wrong_settings_are_refused_in_katibs_words(string name, string value, string words) => Assert.Equal(
        words, Assert.Throws<InvalidStudyException>(() => Decide([(name, value)])).Message);

    [Fact]
    public void Several_problems_are_told_at_once_by_their_fields()
    {
        var problems = Assert.Throws<InvalidStudyException>(() => Decide([("start_step", "0"), ("other", "1")])).Problems;

        Assert.Equal(["earlyStopping.algorithmSettings[0].value", "earlyStopping.algorithmSettings[1].name"], problems.Select(static p => p.Field));
    }

    private static ImmutableArray<StoppingThreshold> Decide((string Name, string Value)[] settings, params double[][] trials)
    {
        var plan = new MedianStop().Plan(
            new("medianstop", [.. settings.Select(static s => KeyValuePair.Create(s.Name, s.Value))]) { Field = "earlyStopping" }, maximize: false);
        var summaries = trials.Select(t => plan.Summarize(t)).ToArray();
        var thresholds = plan.Decide(summaries);
        Assert.Equal(thresholds, plan.Decide(summaries.Reverse()));
        return thresholds;
    }
}
