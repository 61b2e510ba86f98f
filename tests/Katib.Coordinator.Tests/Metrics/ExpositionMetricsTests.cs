using Katib.Coordinator.Metrics.Exposition;

namespace Katib.Coordinator.Tests.Metrics;

/// <summary>Metrics in pages of Prometheus' text format.</summary>
public sealed class ExpositionMetricsTests
{
    [Theory]
    [InlineData("loss 0.5", "0.5")]
    [InlineData("  loss\t0.5  ", "0.5")]
    [InlineData("loss{} 0.5", "0.5")]
    [InlineData("loss { } 0.5", "0.5")]
    [InlineData("loss{a=\"b\"} 0.5", "0.5")]
    [InlineData("loss{a=\"b\"}0.5", "0.5")]
    [InlineData("loss{ a = \"b\" , c=\"d\" , } 5e-1", "5e-1")]
    [InlineData("loss{a=\"} 7\"} 0.5", "0.5")]
    [InlineData("loss{a=\"x\\\\\"} 0.5", "0.5")]
    [InlineData("loss{a=\"x\\\" 7\"} 0.5", "0.5")]
    [InlineData("{\"loss\"} 0.5", "0.5")]
    [InlineData("{\"loss\",\"a b\"=\"c\"} 0.5", "0.5")]
    [InlineData("loss NaN", "NaN")]
    [InlineData("loss +Inf", "+Inf")]
    [InlineData("loss -Inf", "-Inf")]
    [InlineData("loss -1.5e+300 1700000000000", "-1.5e+300")]
    public void A_line_has_one_value(string line, string value)
    {
        var metrics = new ExpositionMetrics(["loss"]);

        Assert.Equal(value, Assert.Single(metrics.Parse($"# HELP loss A \\ text.\n# TYPE loss gauge\n\n{line}\r\nother 1")).Value);
        Assert.Null(metrics.FirstBadLine);
    }

    [Theory]
    [InlineData("loss")]
    [InlineData("loss=0.5")]
    [InlineData("loss, 0.5")]
    [InlineData("loss 0,5")]
    [InlineData("loss 0.5 now")]
    [InlineData("loss 0.5 1.5")]
    [InlineData("loss 0.5 99999999999999999999")]
    [InlineData("loss 0.5 9223372036854775807")]
    [InlineData("loss 0.5 1 1")]
    [InlineData("loss 0.5 # {trace=\"1\"} 2")]
    [InlineData("loss{ 0.5")]
    [InlineData("loss{a} 0.5")]
    [InlineData("loss{a=b} 0.5")]
    [InlineData("loss{a=\"b} 0.5")]
    [InlineData("loss{a=\"b\\")]
    [InlineData("loss{a=\"b\" c=\"d\"} 0.5")]
    [InlineData("loss{,} 0.5")]
    [InlineData("loss{\"other\"} 0.5")]
    [InlineData("{a=\"b\"} 0.5")]
    [InlineData("{} 0.5")]
    [InlineData("0.5")]
    [InlineData("<html>")]
    [InlineData("lösung 0.5")]
    [InlineData("\0")]
    public void What_is_no_line_costs_that_line_alone_and_is_shown(string line)
    {
        var metrics = new ExpositionMetrics(["loss", "other"]);

        var point = Assert.Single(metrics.Parse($"other 1\n{line}\n"));

        Assert.Equal("other", point.Metric);
        Assert.Equal(2, metrics.FirstBadLine!.Line);
        Assert.StartsWith("Line 2 is not in Prometheus' text format: '", metrics.WhyMissing("loss"), StringComparison.Ordinal);
    }

    [Fact]
    public void Times_are_milliseconds_and_in_OpenMetrics_seconds()
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);
        var metrics = new ExpositionMetrics(["loss"]);

        Assert.Equal(time, Assert.Single(metrics.Parse("loss 1 1700000000250")).Time);
        Assert.Equal(time, Assert.Single(metrics.Parse("loss 1 1700000000.25\n# EOF\n")).Time);
        Assert.Equal(time, Assert.Single(metrics.Parse("loss 1 1700000000.25 # {trace=\"1\"} 0.7 2.5\n# EOF")).Time);
        Assert.Null(Assert.Single(metrics.Parse("loss 1 # {trace=\"1\"} 0.7\n# EOF\n")).Time);
        Assert.Empty(metrics.Parse("loss 1 1700000000.25\n# EOF or so"));
    }

    [Fact]
    public void A_series_is_asked_for_by_name_and_labels()
    {
        const string page = """
            loss{split="train",run="a"} 1
            loss{split="val",run="a"} 2
            f1 3
            f1{class="cat"} 4
            alone{pid="12"} 5
            {"val/f1"} 6
            {"val/f1",class="dog"} 7
            odd{text="a\\b\"c\nd,}"} 8
            """;

        Assert.Equal("2", Value("loss{split=\"val\"}"));
        Assert.Equal("2", Value("loss{run=\"a\", split=\"val\"}"));
        Assert.Null(Value("loss"));
        Assert.Null(Value("loss{run=\"a\"}"));
        Assert.Null(Value("loss{split=\"test\"}"));
        Assert.Null(Value("los"));
        Assert.Equal("3", Value("f1"));
        Assert.Equal("4", Value("f1{class=\"cat\"}"));
        Assert.Equal("5", Value("alone"));
        Assert.Equal("6", Value("val/f1"));
        Assert.Equal("7", Value("{\"val/f1\",class=\"dog\"}"));
        Assert.Equal("8", Value("odd{text=\"a\\\\b\\\"c\\nd,}\"}"));

        static string? Value(string metric) =>
            new ExpositionMetrics([metric]).Parse(page) is [var point] ? point.Value : null;
    }

    [Theory]
    [InlineData("loss{a=\"1\"} 1\nloss{a=\"2\"} 2", "Several series are 'loss': 'loss{a=\"1\"}', 'loss{a=\"2\"}'; write the one that is meant as the metric's name.")]
    [InlineData("Loss 1\nacc 2", "Found 'Loss', expected 'loss'.")]
    [InlineData("a 1\nb{c=\"x\\n\\\"\\\\\"} 2\n{\"d/e\"} 3\n{\"d/e\",f=\"g\"} 4", "Found 'a', 'b{c=\"x\\n\\\"\\\\\"}', 'd/e', '{\"d/e\",f=\"g\"}', expected 'loss'.")]
    [InlineData("loss: 0.5", "Found 'loss:', expected 'loss'.")]
    [InlineData("", "The page has no value.")]
    [InlineData("# TYPE loss gauge", "The page has no value.")]
    public void Why_there_is_no_value_is_said(string page, string why)
    {
        var metrics = new ExpositionMetrics(["loss"]);

        Assert.Empty(metrics.Parse(page));
        Assert.Equal(why, metrics.WhyMissing("loss"));
    }

    [Fact]
    public void Of_the_same_series_twice_the_last_counts() =>
        Assert.Equal("2", Assert.Single(new ExpositionMetrics(["loss"]).Parse("loss{a=\"b\"} 1\nloss{a=\"b\"} 2\nloss 1\nloss 2")).Value);

    [Fact]
    public void What_is_said_is_bounded_whatever_the_page_is()
    {
        var metrics = new ExpositionMetrics(["loss"]);
        var many = string.Concat(Enumerable.Range(0, 20_000).Select(static i => FormattableString.Invariant($"m{i}{{a=\"{i}\"}} {i}\n")));
        var deep = $"loss{{{string.Concat(Enumerable.Repeat("a=\"\\\\\\\"\",", 50_000))}";

        Assert.Empty(metrics.Parse(many));
        Assert.InRange(metrics.WhyMissing("loss").Length, 1, 500);
        Assert.Empty(metrics.Parse(deep));
        Assert.InRange(metrics.WhyMissing("loss").Length, 1, 500);
    }

    [Fact]
    public void Every_beginning_of_a_page_can_be_read()
    {
        const string page = "# HELP loss x\nloss{a=\"b\\n\",\"c d\"=\"\\\"\",} -1.5e3 1700000000.5 # {x=\"y\"} 1 2\n# EOF\n";
        var metrics = new ExpositionMetrics(["loss", "loss{a=\"b\\n\"}"]);

        for (var length = 0; length <= page.Length; length++)
        {
            _ = metrics.Parse(page[..length]);
            Assert.NotEmpty(metrics.WhyMissing("loss"));
        }

        Assert.Equal(["-1.5e3", "-1.5e3"], metrics.Parse(page).Select(static p => p.Value));
    }
}
