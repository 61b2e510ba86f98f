using System.Collections.Immutable;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Tests.Metrics;

public sealed class ObservationTests
{
    private static readonly DateTimeOffset Start = new(2020, 1, 1, 15, 4, 5, TimeSpan.Zero);

    [Fact]
    public void TR1_the_latest_time_wins_and_the_later_entry_of_equal_times()
    {
        var observation = Observation.Of(["error"]).Add(
        [
            new("error", ".03", Start),
            new("error", ".02", Start.AddSeconds(1)),
            new("error", ".01", Start.AddSeconds(2)),
            new("error", ".05", Start.AddSeconds(3)),
            new("error", ".06", Start.AddSeconds(3)),
            new("error", ".07", Start.AddSeconds(3)),
            new("error", ".1", Start.AddHours(-1)),
        ]);

        Assert.Equal([new("error", ".01", ".1", ".07", Start.AddSeconds(3)) { Count = 7 }], observation.Metrics);
    }

    [Fact]
    public void CL5_each_metric_has_the_value_of_its_strategy()
    {
        var observation = Observation.Of(["error", "auc", "accuracy"]).Add(
            Series("error", "0.01", "0.08", "0.05")
                .Concat(Series("auc", "0.70", "0.95", "0.90"))
                .Concat(Series("accuracy", "0.8", "0.94", "0.93")));

        Assert.Equal("0.01", observation.Metrics[0].By(MetricStrategy.Min));
        Assert.Equal("0.95", observation.Metrics[1].By(MetricStrategy.Max));
        Assert.Equal("0.93", observation.Metrics[2].By(MetricStrategy.Latest));
    }

    [Theory]
    [InlineData(MetricStrategy.Min)]
    [InlineData(MetricStrategy.Max)]
    public void CL5_without_a_number_the_latest_value_stands_in(MetricStrategy strategy)
    {
        var summary = MetricSummary.Of("error").Add("high", null);

        Assert.Equal(("unavailable", "unavailable"), (summary.Min, summary.Max));
        Assert.Equal("high", summary.By(strategy));
    }

    [Fact]
    public void Nothing_reported_is_unavailable()
    {
        var summary = Assert.Single(Observation.Of(["error"]).Metrics);

        Assert.Equal(new("error", "unavailable", "unavailable", "unavailable", null), summary);
    }

    [Fact]
    public void A_value_without_a_time_is_older_than_any_with_one()
    {
        var summary = MetricSummary.Of("error").Add("1", null).Add("2", null).Add("3", Start).Add("4", null);

        Assert.Equal(("3", "1", "4"), (summary.Latest, summary.Min, summary.Max));
    }

    [Fact]
    public void NaN_is_neither_smallest_nor_largest_but_can_be_the_latest()
    {
        var summary = Fold("nan", "2", "NaN", "1", "-nan");

        Assert.Equal(("1", "2", "-nan"), (summary.Min, summary.Max, summary.Latest));
    }

    [Fact]
    public void Infinities_are_numbers()
    {
        var summary = Fold("1", "inf", "-Infinity", "2");

        Assert.Equal(("-Infinity", "inf"), (summary.Min, summary.Max));
    }

    [Fact]
    public void Equal_numbers_keep_the_first_spelling()
    {
        var summary = Fold("0.10", "0.1", "1e-1");

        Assert.Equal(("0.10", "0.10", "1e-1"), (summary.Min, summary.Max, summary.Latest));
    }

    [Fact]
    public void A_point_of_another_metric_changes_nothing()
    {
        var observation = Observation.Of(["error"]);

        Assert.Equal(observation, observation.Add(new MetricPoint("loss", "1", null)));
    }

    [Fact]
    public void A_restored_observation_goes_on_like_the_one_that_was_saved()
    {
        ImmutableArray<MetricPoint> points =
            [new("a", "3", Start), new("a", "1", null), new("a", "x", Start), new("b", "2", null)];
        var whole = Observation.Of(["a", "b"]).Add(points);

        for (var cut = 0; cut <= points.Length; cut++)
        {
            var saved = Observation.Of(["a", "b"]).Add(points.Take(cut)).Metrics;
            var restored = new Observation(
                [.. saved.Select(static s => new MetricSummary(s.Name, s.Min, s.Max, s.Latest, s.LatestTime) { Count = s.Count })]);

            Assert.Equal(whole, restored.Add(points.Skip(cut)));
        }
    }

    [Fact]
    public void A_hundred_thousand_points_are_folded_one_by_one()
    {
        var observation = Observation.Of(["a", "b"]);

        for (var i = 0; i < 100_000; i++)
        {
            var value = i.ToString(CultureInfo.InvariantCulture);
            observation = observation.Add(new MetricPoint(i % 2 is 0 ? "a" : "b", value, Start));
        }

        Assert.Equal(
            [("0", "99998", "99998"), ("1", "99999", "99999")],
            observation.Metrics.Select(static m => (m.Min, m.Max, m.Latest)));
    }

    [Theory]
    [InlineData("0.25", 0.25, null)]
    [InlineData(" -1E-3 ", -0.001, null)]
    [InlineData("INF", double.PositiveInfinity, null)]
    [InlineData("-Infinity", double.NegativeInfinity, null)]
    [InlineData("nan", null, "NaN")]
    [InlineData("+NaN", null, "NaN")]
    [InlineData("abc", null, "not a number: 'abc'")]
    [InlineData("1,5", null, "not a number: '1,5'")]
    [InlineData("1 2\n", null, "not a number: '1 2'")]
    [InlineData("", null, "not a number: ''")]
    [InlineData("unavailable", null, "unavailable")]
    public void The_objective_is_a_number_or_there_is_a_reason(string text, double? value, string? reason)
    {
        Assert.Equal(new ObjectiveValue(value, reason), ObjectiveValue.Of(text));
    }

    [Theory]
    [InlineData(MetricStrategy.Min, 1.0, null)]
    [InlineData(MetricStrategy.Max, 2.0, null)]
    [InlineData(MetricStrategy.Latest, null, "NaN")]
    public void The_objectives_strategy_decides_which_value_counts(
        MetricStrategy strategy, double? value, string? reason)
    {
        var objective = new ObjectiveSpec(
            Maximize: false,
            Goal: null,
            "error",
            ["loss"],
            ImmutableDictionary<string, MetricStrategy>.Empty.Add("error", strategy));
        var observation = Observation.Of(objective.AllMetricNames).Add(Series("error", "2", "1", "nan"));

        Assert.Equal(new ObjectiveValue(value, reason), observation.ValueOf(objective));
    }

    private static MetricSummary Fold(params string[] values) =>
        values.Aggregate(MetricSummary.Of("error"), static (summary, value) => summary.Add(value, null));

    private static IEnumerable<MetricPoint> Series(string metric, params string[] values) =>
        values.Select((value, i) => new MetricPoint(metric, value, Start.AddSeconds(i)));
}
