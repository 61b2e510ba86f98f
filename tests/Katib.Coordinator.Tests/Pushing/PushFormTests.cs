using Katib.Coordinator.Metrics;
using Katib.Coordinator.Pushing;

namespace Katib.Coordinator.Tests.Pushing;

public sealed class PushFormTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_form_has_metrics_a_step_and_a_time() => Assert.Equal(
        [new("loss", "0.31", Time) { Step = 12 }, new("val/acc", "-1e-05", Time) { Step = 12 }],
        PushForm.Read(Fields("loss=0.31", "step=12", "val/acc=-1e-05", "timestamp=2026-01-31T13:00:00+01:00")));

    [Theory]
    [InlineData("1769860800")]
    [InlineData("1769860800.0")]
    public void A_time_may_be_seconds(string seconds) =>
        Assert.Equal(Time, PushForm.Read(Fields("loss=1", $"timestamp={seconds}")).Single().Time);

    [Fact]
    public void Json_is_one_report_or_several()
    {
        Assert.Equal(
            [new("loss", "0.31", null) { Step = 12 }, new("acc", "NaN", null) { Step = 12 }],
            PushForm.Read("""{"loss": 0.31, "acc": "NaN", "step": 12}"""));
        Assert.Equal(
            [new("loss", "1e300", null) { Step = 1 }, new("loss", "2", null) { Step = 2 }],
            PushForm.Read("""[{"loss": 1e300, "step": 1}, {"step": 2, "loss": 2}]"""));
    }

    [Theory]
    [InlineData("""{"loss": 0.31""", "no JSON")]
    [InlineData("5", "must be an object")]
    [InlineData("[[1]]", "must be an object")]
    [InlineData("""{"loss": true}""", "'loss' is true; it must be a number")]
    [InlineData("""{"loss": {"a": 1}}""", "'loss' is {\"a\": 1}")]
    [InlineData("""{"loss": "much"}""", "'loss' is 'much', which is no number")]
    [InlineData("""{"step": 3}""", "no metric in the report")]
    [InlineData("""{"loss": 1, "step": 1.5}""", "'step' is '1.5'; it must be a whole number")]
    [InlineData("""{"loss": 1, "timestamp": "noon"}""", "'timestamp' is 'noon'")]
    [InlineData("""{"loss": 1, "timestamp": 1e300}""", "'timestamp' is '1e300'")]
    [InlineData("""{"": 1}""", "between 1 and 255")]
    public void What_is_wrong_is_named(string json, string words) =>
        Assert.Contains(words, Assert.Throws<PushFormException>(() => PushForm.Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Names_and_values_are_bounded()
    {
        _ = Assert.Throws<PushFormException>(() => PushForm.Read(Fields($"{new string('x', 256)}=1")));
        _ = Assert.Throws<PushFormException>(() => PushForm.Read(Fields($"loss={new string('1', 1025)}")));
        Assert.Equal(1024, PushForm.Read(Fields($"loss={new string('1', 1024)}")).Single().Value.Length);
    }

    [Fact]
    public void A_value_pushed_again_is_known_and_a_further_one_is_another()
    {
        MetricPoint[] points =
        [
            new("loss", "1", Time),
            new("loss", "1", Time),
            new("loss", "2", Time),
            new("acc", "1", Time),
            new("loss", "1", Time.AddTicks(1)),
            new("loss", "1", Time) { Step = 5 },
            new("loss", "1", Time) { Step = 6 },
            new("loss", "1", null),
            new("loss", "1", null),
        ];

        var marked = PushIdentity.Mark([.. points]);

        Assert.Equal(points.Length, marked.Select(static p => p.Identity).Distinct().Count());
        Assert.Equal(marked, PushIdentity.Mark([.. points]));

        // A step is reported once, whatever the value; and what bears neither is known by its whole report.
        Assert.Equal(marked[5].Identity, PushIdentity.Mark([new("loss", "3", null) { Step = 5 }])[0].Identity);
        Assert.NotEqual(marked[7].Identity, PushIdentity.Mark([new("loss", "1", null)])[0].Identity);
    }

    private static IEnumerable<KeyValuePair<string, string>> Fields(params string[] fields) =>
        fields.Select(static f => f.Split('=', 2)).Select(static f => KeyValuePair.Create(f[0], f[1]));
}
