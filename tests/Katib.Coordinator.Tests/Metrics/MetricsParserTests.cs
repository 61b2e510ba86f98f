using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Tests.Metrics;

public sealed class MetricsParserTests
{
    private const string BracesFilter = @"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}";

    [Fact]
    public void FC1_json_lines_give_their_metrics_in_order_with_their_times()
    {
        var points = Read(
            Json("acc", "loss"),
            """{"acc": "0.9349", "loss": "0.21", "timestamp": 1638422847.28721}""",
            """{"checkpoint_path": "", "global_step": "0", "timestamp": 1638422847.287801, "loss": "0.22"}""",
            """{"acc": "0.94", "timestamp": "2021-12-02T14:27:51.000025789+09:00"}""",
            """{"acc": "0.95"}""");

        // Katib's own test expects 27.000028721 for the first: it takes the decimal digits for nanoseconds, a defect
        // whose interface we keep and whose result we do not. The third is kept to 100 ns, in UTC.
        Assert.Equal(
            [
                new("acc", "0.9349", At("2021-12-02T05:27:27.2872100Z")),
                new("loss", "0.21", At("2021-12-02T05:27:27.2872100Z")),
                new("loss", "0.22", At("2021-12-02T05:27:27.2878010Z")),
                new("acc", "0.94", At("2021-12-02T05:27:51.0000257Z")),
                new MetricPoint("acc", "0.95", null),
            ],
            points);
    }

    [Fact]
    public void FC2_text_lines_are_searched_with_the_users_filter()
    {
        var points = Read(
            Text([BracesFilter], "accuracy", "loss"),
            "2021-12-02T14:27:51.000035161Z {metricName: accuracy, metricValue: 123};"
                + "{metricName: loss, metricValue: -0.3759}",
            "2021-12-02T14:27:52Z {metricName: accuracy, metricValue: -234}",
            "{metricName: loss, metricValue: 67.5}");

        Assert.Equal(
            [
                new("accuracy", "123", At("2021-12-02T14:27:51.0000351Z")),
                new("loss", "-0.3759", At("2021-12-02T14:27:51.0000351Z")),
                new("accuracy", "-234", At("2021-12-02T14:27:52Z")),
                new MetricPoint("loss", "67.5", null),
            ],
            points);
    }

    [Theory]
    [InlineData("{metricName: accuracy, metricValue: .333}")]
    [InlineData("{metricName: accuracy, metricValue: -.333}")]
    [InlineData("{metricName: accuracy, metricValue: - 345.333}")]
    [InlineData("{metricName: accuracy, metricValue: 888.}")]
    [InlineData("{metricName: accuracy, metricValue: 0.5")]
    public void FC3_FC4_what_the_users_filter_does_not_match_is_no_metric(string line)
    {
        Assert.Empty(Read(Text([BracesFilter], "accuracy", "loss"), line));
    }

    [Fact]
    public void FC4_a_broken_json_line_costs_that_line_alone()
    {
        var parser = Json("acc");

        var points = Read(
            parser, """{"acc": "0.1"}""", """{"acc": "0.9", "loss":""", "Epoch 3", "", "[1]", """{"acc": "0.2"}""");

        Assert.Equal(["0.1", "0.2"], points.Select(static point => point.Value));
        Assert.Equal(3, parser.BadLineCount);
        Assert.Equal([2, 3, 5], parser.BadLines.Select(static bad => bad.Line));
        Assert.StartsWith("'Epoch 3' is no JSON object", parser.BadLines[1].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"invalid\"", null)]
    [InlineData("\"\"", null)]
    [InlineData("true", null)]
    [InlineData("1e300", null)]
    [InlineData("-99999999999999", null)]
    [InlineData("1638422847", "2021-12-02T05:27:27Z")]
    [InlineData("1.638422847e9", "2021-12-02T05:27:27Z")]
    [InlineData("1638422847.123456789", "2021-12-02T05:27:27.1234567Z")]
    [InlineData("-0.5", "1969-12-31T23:59:59.5Z")]
    [InlineData("\"2021-12-02T05:27:27+01:00\"", "2021-12-02T04:27:27Z")]
    public void FC5_a_json_timestamp_is_RFC_3339_or_seconds_or_none(string timestamp, string? expected)
    {
        var point = Assert.Single(Read(Json("acc"), $$"""{"acc": "1", "timestamp": {{timestamp}}}"""));

        Assert.Equal(expected is null ? null : At(expected), point.Time);
    }

    [Theory]
    [InlineData("invalid accuracy=1", null)]
    [InlineData("accuracy=1", null)]
    [InlineData(" 2021-12-02T05:27:27Z accuracy=1", null)]
    [InlineData("2021-12-02 accuracy=1", null)]
    [InlineData("2021-12-02T05:27:27 accuracy=1", null)]
    [InlineData("2021-12-02t05:27:27z accuracy=1", null)]
    [InlineData("2021-02-30T05:27:27Z accuracy=1", null)]
    [InlineData("2021-12-02T24:00:00Z accuracy=1", null)]
    [InlineData("2021-12-02T05:27:60Z accuracy=1", null)]
    [InlineData("2021-12-02T05:27:27.Z accuracy=1", null)]
    [InlineData("2021-12-02T05:27:27+0100 accuracy=1", null)]
    [InlineData("0001-01-01T00:00:00+01:00 accuracy=1", null)]
    [InlineData("2021-12-02T05:27:27Z accuracy=1", "2021-12-02T05:27:27Z")]
    [InlineData("2021-12-02T05:27:27.5-08:00 accuracy=1", "2021-12-02T13:27:27.5Z")]
    [InlineData("2021-12-02T05:27:27.123456789Z accuracy=1", "2021-12-02T05:27:27.1234567Z")]
    public void FC6_the_first_word_is_the_time_or_there_is_none(string line, string? expected)
    {
        var point = Assert.Single(Read(Text([], "accuracy"), line));

        Assert.Equal(("accuracy", "1"), (point.Metric, point.Value));
        Assert.Equal(expected is null ? null : At(expected), point.Time);
    }

    [Fact]
    public void FC7_without_the_objective_its_summary_is_unavailable()
    {
        var observation = Observation.Of(["accuracy", "loss"]).Add(Read(Text([], "accuracy", "loss"), "loss=0.1"));

        Assert.Equal(MetricSummary.Of("accuracy"), observation.Metrics[0]);
    }

    [Theory]
    [InlineData("loss=0.3", "0.3")]
    [InlineData("accuracy=.98", ".98")]
    [InlineData("Score=-7.53e-05", "-7.53e-05")]
    [InlineData("Score=-7.53e+05", "-7.53e+05")]
    [InlineData("Score=1E0", "1E0")]
    [InlineData("Score=1.23E10", "1.23E10")]
    [InlineData("Score = +5", "+5")]
    [InlineData("Score\t=\n3", "3")]
    [InlineData("epoch 3: Score=1, loss2=7", "1")]
    [InlineData("Score=1.", "1.")]
    [InlineData("Score=1.e-05", "1.e-05")]
    [InlineData("Score=12abc", "12")]
    [InlineData("Score=nan", "nan")]
    [InlineData("Score=NaN,", "NaN")]
    [InlineData("Score=-nan", "-nan")]
    [InlineData("Score=inf", "inf")]
    [InlineData("Score=-Infinity;", "-Infinity")]
    [InlineData("Score = +INF end", "+INF")]
    public void The_default_filter_finds_numbers_and_what_a_diverged_training_prints(string line, string expected)
    {
        var point = Assert.Single(Read(Text([], "loss", "accuracy", "Score"), line));

        Assert.Equal(expected, point.Value);
    }

    [Theory]
    [InlineData("loss: 0.3", "0.3")]
    [InlineData("epoch 3 - loss: 0.3120 - val_loss: 0.4", "0.3120")]
    [InlineData("Loss: 2 loss:-.5", "-.5")]
    [InlineData("loss : nan", "nan")]
    [InlineData("{'loss': 5e-05, 'epoch': 1.0}", "5e-05")]
    [InlineData("""{"epoch": 1, "loss": 0.25}""", "0.25")]
    [InlineData("""{"epoch": 1, "loss": "0.25"}""", "0.25")]
    [InlineData("""{"message": "epoch 1, loss=0.25"}""", "0.25")]
    [InlineData("""{"loss": 0.25, "broken""", "0.25")]
    [InlineData("\e[1mloss\e[0m: \e[32m0.25\e[0m", "0.25")]
    [InlineData("\e[2K\e[1Gloss=1\e[32m7", "17")]
    [InlineData(" 45%|####5     | 9/20 [00:01<00:01, 8.2it/s, loss=0.25]", "0.25")]
    [InlineData("[5]\ttrain-loss:0.9\tloss:0.25", "0.25")]
    [InlineData("train/loss=0.25", "0.25")]
    [InlineData("a.loss: 0.25", "0.25")]
    public void Without_a_filter_what_programs_usually_print_is_found(string line, string expected)
    {
        var point = Assert.Single(Read(Text([], "loss"), line));

        Assert.Equal(("loss", expected), (point.Metric, point.Value));
    }

    [Theory]
    [InlineData("train/loss=1", "train/loss")]
    [InlineData("'train/loss': 1", "train/loss")]
    [InlineData("val.f1: 1", "val.f1")]
    [InlineData("top-5 accuracy (%): 1", "top-5 accuracy (%)")]
    [InlineData("valid_0's l2: 1", "valid_0's l2")]
    [InlineData("loss=1", "loss")]
    public void Without_a_filter_a_metric_may_have_any_name_and_the_longest_counts(string line, string expected)
    {
        var points = Read(Text([], "loss", "train/loss", "f1", "val.f1", "top-5 accuracy (%)", "l2", "valid_0's l2"), line);

        Assert.Equal(new(expected, "1", null), Assert.Single(points));
    }

    [Theory]
    [InlineData("loss: 12:30:01")]
    [InlineData("loss: 3/20")]
    [InlineData("loss: 0.3abc")]
    [InlineData("loss: tensor(0.3)")]
    [InlineData("loss: -")]
    [InlineData("loss: info")]
    [InlineData("""{"loss": null}""")]
    public void What_stands_behind_a_colon_and_is_no_number_is_no_value(string line)
    {
        var parser = Text([], "loss");

        Assert.Empty(Read(parser, line));
        Assert.StartsWith("The metric 'loss' ", Assert.Single(parser.BadLines).Message, StringComparison.Ordinal);
        Assert.Empty(parser.Unmatched);
    }

    [Theory]
    [InlineData("5loss: 1")]
    [InlineData("-loss=1")]
    [InlineData("val_loss: 1")]
    public void Without_a_filter_a_name_must_be_the_whole_name(string line)
    {
        var parser = Text([], "loss");

        Assert.Empty(Read(parser, line));
        Assert.Equal([line.Split('=', ':')[0]], parser.NearMisses);
    }

    [Fact]
    public void A_line_of_JSON_bears_its_own_time()
    {
        var points = Read(
            Text([], "loss"),
            """{"loss": 1, "timestamp": 1638422847}""",
            """2021-12-02T05:27:28Z {"loss": 2}""");

        Assert.Equal(
            [new("loss", "1", At("2021-12-02T05:27:27Z")), new MetricPoint("loss", "2", At("2021-12-02T05:27:28Z"))], points);
    }

    [Fact]
    public void The_users_filters_see_the_line_as_it_is()
    {
        Assert.Empty(Read(Text([@"^(\w+)=(\d+)"], "loss"), "\e[1mloss=1", "loss: 1"));
    }

    [Fact]
    public void The_default_filter_written_out_by_the_user_is_the_default_filter()
    {
        Assert.Equal("nan", Assert.Single(Read(Text([MetricFilter.Default], "loss"), "loss=nan")).Value);
    }

    [Theory]
    [InlineData("loss=")]
    [InlineData("loss=-")]
    [InlineData("loss=info")]
    [InlineData("loss=nan_count")]
    [InlineData("loss=none")]
    public void An_empty_value_is_never_reported_but_remembered(string line)
    {
        var parser = Text([], "loss");

        Assert.Empty(Read(parser, line));
        Assert.Contains("'loss' has no value", Assert.Single(parser.BadLines).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_must_be_the_whole_name()
    {
        var points = Read(Text([], "loss"), "val_loss=1 Loss=2 loss=3 loss-2=4 loss|x=5");

        Assert.Equal(["3"], points.Select(static point => point.Value));
    }

    [Fact]
    public void All_filters_give_all_their_matches()
    {
        var parser = Text([@"(\w+): (\S+)", @"(?P<name>\w+) is (?P<value>[\d.]+ *)"], "a", "b");

        var points = Read(parser, "a: 1 b: two a is 3.5  b is 4");

        Assert.Equal(
            [("a", "1"), ("b", "two"), ("a", "3.5"), ("b", "4")],
            points.Select(static point => (point.Metric, point.Value)));
    }

    [Theory]
    [InlineData("""{"acc": 0.10}""", "0.10")]
    [InlineData("""{"acc": -1E-3}""", "-1E-3")]
    [InlineData("""{"acc": " 0.5 "}""", "0.5")]
    [InlineData("""{"acc": "high"}""", "high")]
    [InlineData("""{"\u0061cc": 1}""", "1")]
    [InlineData("""{"acc": 1, "acc": 2}""", "2")]
    [InlineData("""{"acc": NaN}""", "NaN")]
    [InlineData("""{"note": "NaN \"NaN", "acc": -Infinity, "x": [Infinity]}""", "-Infinity")]
    [InlineData("\uFEFF{\"acc\": 1}\r", "1")]
    public void A_json_value_is_a_text_or_a_number_in_the_trials_spelling(string line, string expected)
    {
        Assert.Equal(expected, Assert.Single(Read(Json("acc"), line)).Value);
    }

    [Theory]
    [InlineData("""{"acc": null}""")]
    [InlineData("""{"acc": true}""")]
    [InlineData("""{"acc": [1]}""")]
    [InlineData("""{"acc": " "}""")]
    public void A_json_value_of_another_kind_is_a_bad_line(string line)
    {
        var parser = Json("acc");

        Assert.Empty(Read(parser, line));
        Assert.StartsWith("The metric 'acc' is ", Assert.Single(parser.BadLines).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_names_with_values_are_near_misses()
    {
        var text = Text([], "accuracy");
        var json = Json("accuracy");

        _ = Read(text, "epoch=1 acc=0.5", "accuracy=1 'f1': 2", "acc=0.6", "lr=", "10:11:12 val/acc: 3");
        _ = Read(json, """{"timestamp": 1, "acc": 0.5, "note": "x", "f1": "0.1", "accuracy": 3}""");

        Assert.Equal(["epoch", "acc", "f1", "val/acc"], text.NearMisses);
        Assert.Equal(["acc", "f1"], json.NearMisses);
    }

    [Theory]
    [InlineData("acuracy: 0.5", "Found 'acuracy', expected 'accuracy'.")]
    [InlineData("f1=0.5 auc=0.6", "Found 'f1', 'auc', expected 'accuracy'.")]
    [InlineData("accuracy = tensor(0.5)", "Line 1: The metric 'accuracy' has no value in 'accuracy = tensor(0.5)'.")]
    [InlineData("accuracy 0.5", "Line 1: The metric 'accuracy' is named in 'accuracy 0.5', without '=' or ':' and a number behind it.")]
    [InlineData("loss=\naccuracy 0.5", "Line 2: The metric 'accuracy' is named in 'accuracy 0.5', without '=' or ':' and a number behind it.")]
    [InlineData("loss=\nf1=1", "Line 1: The metric 'loss' has no value in 'loss='.")]
    [InlineData("done", null)]
    public void Why_a_metric_is_missing_is_said(string log, string? expected)
    {
        var parser = Text([], "accuracy", "loss");

        _ = Read(parser, log.Split('\n'));

        Assert.Equal(expected, parser.WhyMissing("accuracy"));
    }

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        var (text, json) = (Text([], "accuracy"), Json("accuracy"));

        for (var i = 0; i < 5000; i++)
        {
            _ = text.Parse(string.Create(CultureInfo.InvariantCulture, $"metric{i}=1 accuracy="));
            _ = json.Parse(new string('{', i));
        }

        Assert.Equal((10, 10, 5000), (text.NearMisses.Length, text.BadLines.Length, text.BadLineCount));
        Assert.Equal((10, 4999), (json.BadLines.Length, json.BadLineCount));
        Assert.All(json.BadLines.Concat(text.BadLines), static bad => Assert.True(bad.Message.Length < 200));
    }

    [Fact]
    public void Hostile_lines_neither_throw_nor_hang()
    {
        var watch = Stopwatch.StartNew();
        var megabyte = new string('a', 1 << 20);
        string[] lines =
        [
            megabyte, "loss" + megabyte, "loss=" + new string('a', 1 << 17),
            "loss" + new string(' ', 1 << 17), "loss=" + new string('9', 1 << 17),
            "loss" + new string('|', 1 << 17), "loss\0=\01", "\0", "loss=\ud83d", "\ud83d\"", "{\"loss\": \"\\ud800\"}",
            "{\"\\ud800\": 1, \"loss\": 2}", "{\"loss\": \"\ud800\"}", "{\"loss\": NaN", new string('[', 1 << 20),
            "{\"loss\":" + new string('{', 1 << 20), "{\"loss\": \"" + megabyte + "\"}", "\u2028loss=1",
        ];

        foreach (var parser in new[] { Text([], "loss"), Text(["(loss)(a+)+$"], "loss"), Json("loss") })
        {
            _ = Read(parser, lines);
        }

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), "A line takes more time than its length accounts for.");
    }

    [Fact]
    public void A_filter_that_cannot_be_used_is_refused_in_words()
    {
        var refused = Assert.Throws<ArgumentException>(static () => Text([@"(\w+)=\1"], "loss"));

        Assert.StartsWith(
            @"The metrics filter '(\w+)=\1' cannot be used. '\1' is a back-reference",
            refused.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"(\w+)=(\d+)", null)]
    [InlineData(@"(?P<name>\w+)=(?P<value>\d+)", null)]
    [InlineData(@"(\w+)=\d+", "A filter needs two groups")]
    [InlineData(@"(\w+)=(?:\d+)", "A filter needs two groups")]
    [InlineData(@"(\w+)=(\d+", "not closed")]
    public void A_filter_has_two_groups(string filter, string? expected)
    {
        var readable = MetricFilter.TryRead(filter, out _, out var problem);

        Assert.Equal(expected is null, readable);
        Assert.Contains(expected ?? "", problem ?? "", StringComparison.Ordinal);
    }

    private static MetricsParser Text(ImmutableArray<string> filters, params ImmutableArray<string> metrics) =>
        new(new(CollectorKind.File, "/var/log/katib/metrics.log", MetricsFormat.Text, filters), metrics);

    private static MetricsParser Json(params ImmutableArray<string> metrics) =>
        new(new(CollectorKind.File, "/var/log/katib/metrics.log", MetricsFormat.Json, []), metrics);

    private static ImmutableArray<MetricPoint> Read(MetricsParser parser, params string[] lines) =>
        [.. lines.SelectMany(line => parser.Parse(line))];

    private static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture);
}
