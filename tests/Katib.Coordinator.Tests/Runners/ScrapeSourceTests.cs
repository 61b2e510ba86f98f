using System.Net;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>Metrics that are asked for over HTTP.</summary>
public sealed class ScrapeSourceTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-scrape-").FullName;
    private readonly PageServer _server = new();
    private readonly Clock _clock = new();

    private string Values => Path.Combine(_folder, "scraped.jsonl");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_value_counts_when_it_changes_and_the_page_is_asked_for_once_a_second()
    {
        var source = Source();

        Assert.Equal(["1"], await ReadAsync(source, "loss 1"));
        Assert.Empty(await ReadAsync(source, "loss 2", seconds: 0.9));
        Assert.Equal(["2"], await ReadAsync(source, "loss 2", seconds: 0.1));
        Assert.Empty(await ReadAsync(source, "loss 2"));
        Assert.Equal(["1"], await ReadAsync(source, "loss 1"));
        Assert.Equal(4, _server.Requests.Length);
    }

    [Fact]
    public async Task A_value_has_the_time_of_its_page_or_else_that_of_the_question()
    {
        var source = Source();

        _ = await ReadAsync(source, "loss 1");
        _ = await ReadAsync(source, "loss 1 1700000000000");
        _ = await ReadAsync(source, "loss 1 1700000000000");
        _ = await ReadAsync(source, "loss 1 1700000000001");

        Assert.Equal(
            [_clock.Beginning + TimeSpan.FromSeconds(1), DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000), DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_001)],
            (await PointsAsync(Source(endpoint: null))).Select(static p => p.Time!.Value));
    }

    [Fact]
    public async Task Whoever_follows_next_tells_the_same_and_goes_on_behind_it()
    {
        _ = await ReadAsync(Source(), "loss 1");
        var second = Source();

        Assert.Equal(["1"], await ReadAsync(second, "loss 1"));
        Assert.Equal(["2"], await ReadAsync(second, "loss 2"));
        Assert.Equal(["1", "2"], await ReadAsync(Source(endpoint: null), "loss 3"));
    }

    [Fact]
    public async Task A_value_that_was_half_written_is_found_again()
    {
        _ = await ReadAsync(Source(), "loss 1");
        await File.AppendAllTextAsync(Values, "{\"Metric\":\"lo", TestContext.Current.CancellationToken);
        var second = Source();

        _ = await ReadAsync(second, "loss 2");
        _ = await ReadAsync(second, "loss 2");

        Assert.Equal(["1", "2"], await ReadAsync(Source(endpoint: null), "loss 3"));
    }

    [Fact]
    public async Task It_is_asked_as_the_manifest_says_and_no_connection_is_kept()
    {
        _ = await ReadAsync(Source(new MetricsPage("/a/b?c=d", 1, [new("X-Key", "v"), new("Accept", "text/plain")])), "loss 1");

        var lines = Assert.Single(_server.Requests).Split("\r\n");

        Assert.Equal("GET /a/b?c=d HTTP/1.1", lines[0]);
        Assert.Contains("X-Key: v", lines);
        Assert.Contains("Accept: text/plain", lines);
        Assert.Contains("Connection: close", lines);
        Assert.DoesNotContain(lines, static line => line.StartsWith("traceparent", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_page_elsewhere_is_not_followed_to()
    {
        await using var other = new PageServer { Answer = PageServer.Ok("loss 1") };
        _server.Answer = $"HTTP/1.1 302 Found\r\nLocation: http://{other.Endpoint}/metrics\r\nContent-Length: 0\r\n\r\n";
        var source = Source();

        Assert.Empty(await PointsAsync(source));
        Assert.Equal($"http://{_server.Endpoint}/metrics answers with 302.", source.WhyMissing("loss"));
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task Why_there_is_nothing_is_said()
    {
        var early = Source(endpoint: null);
        Assert.Empty(await PointsAsync(early));
        Assert.Equal("It ended before its metrics could be asked for; it must serve them for a second at least.", early.WhyMissing("loss"));

        var closed = Source(endpoint: new(IPAddress.Loopback, 1));
        Assert.Empty(await PointsAsync(closed));
        Assert.Contains("There is no answer at http://127.0.0.1:1/metrics (Connection refused)", closed.WhyMissing("loss"), StringComparison.Ordinal);

        var missing = Source();
        _server.Answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        Assert.Empty(await PointsAsync(missing));
        Assert.Equal($"http://{_server.Endpoint}/metrics answers with 404.", missing.WhyMissing("loss"));

        var large = Source();
        Assert.Empty(await ReadAsync(large, $"# {new string('x', 4 * 1024 * 1024)}\nloss 1"));
        Assert.Equal($"http://{_server.Endpoint}/metrics answers with more than 4 MiB.", large.WhyMissing("loss"));

        var silent = Source();
        _server.Answer = null;
        Assert.Empty(await PointsAsync(silent));
        Assert.Equal($"http://{_server.Endpoint}/metrics does not answer within 5 s.", silent.WhyMissing("loss"));

        Assert.Empty(await ReadAsync(large, "lost 1"));
        Assert.Equal($"At http://{_server.Endpoint}/metrics: Found 'lost', expected 'loss'.", large.WhyMissing("loss"));
    }

    [Fact]
    public async Task What_is_no_HTTP_is_no_answer()
    {
        var source = Source();
        _server.Answer = "SSH-2.0-OpenSSH_9.9\r\n";

        Assert.Empty(await PointsAsync(source));
        Assert.StartsWith($"There is no answer at http://{_server.Endpoint}/metrics (", source.WhyMissing("loss"), StringComparison.Ordinal);
    }

    private ScrapeSource Source(MetricsPage? page = null) => Source(_server.Endpoint, page);

    private ScrapeSource Source(IPEndPoint? endpoint, MetricsPage? page = null) =>
        new(new Attempt(Values, endpoint), page ?? new("/metrics", 1, []), ["loss"], _clock);

    private async Task<string[]> ReadAsync(ScrapeSource source, string page, double seconds = 1)
    {
        _clock.Pass(TimeSpan.FromSeconds(seconds));
        _server.Answer = PageServer.Ok(page);
        return [.. (await PointsAsync(source)).Select(static p => p.Value)];
    }

    private static async Task<MetricPoint[]> PointsAsync(ScrapeSource source)
    {
        var points = new List<MetricPoint>();
        await foreach (var report in source.ReadNewAsync(TestContext.Current.CancellationToken))
        {
            points.AddRange(report.Points);
        }

        return [.. points];
    }

    private sealed record Attempt(string MetricsPath, IPEndPoint? MetricsEndpoint) : IAttempt
    {
        public string OutputLog => "";

        public Task<TrialExit> EndAsync(TrialNote note, CancellationToken cancellationToken) => Task.FromResult(new TrialExit(TrialExitKind.Exited, 0, ""));
    }

    private sealed class Clock : TimeProvider
    {
        private TimeSpan _passed;

        public DateTimeOffset Beginning { get; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public void Pass(TimeSpan time) => _passed += time;

        public override DateTimeOffset GetUtcNow() => Beginning + _passed;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _passed.Ticks;
    }
}
