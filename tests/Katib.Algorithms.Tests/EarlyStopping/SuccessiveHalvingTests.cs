using System.Collections.Immutable;
using Katib.Algorithms.EarlyStopping;

namespace Katib.Algorithms.Tests.EarlyStopping;

public sealed class SuccessiveHalvingTests
{
    [Fact]
    public void At_each_rung_the_best_third_goes_on()
    {
        // Of six at the first rung two go on; at the second, three reports on, three have come and one goes on.
        var thresholds = Decide([], [1, 1, 0.5], [2, 2, 9], [3, 3, 3], [4], [5], [6]);

        Assert.Equal([new(2, 1), new(0.5, 3)], thresholds);
    }

    [Fact]
    public void A_trial_counts_by_its_best_so_far_and_more_is_better_where_that_is_asked_for()
    {
        Assert.Equal([new(5, 1), new(6, 2)], Decide([("reduction_factor", "2")], maximize: true, [5, 1], [4, 6], [1]));
        Assert.Equal([new(3, 2)], Decide([("min_resource", "2"), ("reduction_factor", "2")], [3, 8], [9, 4]));
    }

    [Fact]
    public void Nobody_is_given_up_where_few_have_come()
    {
        Assert.Empty(Decide([], [1], [2]));
        Assert.Empty(Decide([]));
        Assert.Empty(Decide([("min_resource", "1000000000")], [1], [2], [3]));
    }

    [Fact]
    public void What_is_no_number_is_the_worst_there_is()
    {
        Assert.Equal([new(1, 1)], Decide([], [double.NaN, 7], [1], [2]));
        Assert.Equal([new(double.PositiveInfinity, 1)], Decide([], [double.NaN], [double.NaN], [double.NaN]));
        Assert.Equal([new(double.NegativeInfinity, 1)], Decide([], maximize: true, [double.NaN], [double.NaN], [double.NegativeInfinity]));
    }

    [Theory]
    [InlineData("min_resource", "0", "min_resource must be greater or equal than one (>=1)")]
    [InlineData("reduction_factor", "1", "reduction_factor must be greater or equal than two (>=2)")]
    [InlineData("start_step", "1", "unknown setting start_step for algorithm asha")]
    public void Wrong_settings_are_refused(string name, string value, string words) => Assert.Equal(
        words, Assert.Throws<InvalidStudyException>(() => Decide([(name, value)])).Message);

    /// <summary>Whatever is reported, at every rung one of each eta survives, and nobody there is better than a survivor and given up.</summary>
    [Fact]
    public void One_of_each_so_many_survives()
    {
        for (var seed = 0UL; seed < 300; seed++)
        {
            var draws = new double[500];
            new Philox(seed).Fill(0, draws);
            var eta = 2 + (int)(draws[0] * 4);
            double[][] trials = [.. Enumerable.Range(0, (int)(draws[1] * 40)).Select(t => draws[(10 + t)..(11 + t + (int)(draws[60 + t] * 30))])];
            var plan = Plan([("reduction_factor", $"{eta}")], maximize: false);
            foreach (var (value, step) in plan.Decide(trials.Select(t => plan.Summarize(t))))
            {
                double[] there = [.. trials.Where(t => t.Length >= step).Select(t => t.Take(step).Min())];
                var survivors = there.Count(best => best <= value);

                Assert.InRange(survivors, Math.Max(1, there.Length / eta), there.Length);
                Assert.Contains(value, there);
                Assert.True(there.Count(best => best < value) < Math.Max(1, there.Length / eta));
            }
        }
    }

    private static ImmutableArray<StoppingThreshold> Decide((string Name, string Value)[] settings, params double[][] trials) =>
        Decide(settings, maximize: false, trials);

    private static ImmutableArray<StoppingThreshold> Decide((string Name, string Value)[] settings, bool maximize, params double[][] trials)
    {
        var plan = Plan(settings, maximize);
        var summaries = trials.Select(t => plan.Summarize(t)).ToArray();
        var thresholds = plan.Decide(summaries);
        Assert.Equal(thresholds, plan.Decide(summaries.Reverse()));
        return thresholds;
    }

    private static IStoppingPlan Plan((string Name, string Value)[] settings, bool maximize) => new SuccessiveHalving().Plan(
        new("asha", [.. settings.Select(static s => KeyValuePair.Create(s.Name, s.Value))]) { Field = "earlyStopping" }, maximize);
}
