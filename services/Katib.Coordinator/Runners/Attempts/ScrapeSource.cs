using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Metrics.Exposition;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>A page that the trial serves, asked for every second while it runs.</summary>
/// <remarks>
/// A value counts when it, or the time that the page gives it, differs from the last one. It is written to a file of the
/// attempt's first, and reported from there: so whoever follows the attempt next knows what was seen, and goes on.
/// </remarks>
internal sealed class ScrapeSource(
    IAttempt attempt, MetricsPage page, ImmutableArray<string> metricNames, TimeProvider time) : IMetricsSource
{
    // As often as Katib's own collectors look: what a program sets in its last second may be missed.
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int LongestPage = 4 * 1024 * 1024;
    private const string Accepted = "text/plain;version=1.0.0;escaping=allow-utf-8,text/plain;version=0.0.4;q=0.9,*/*;q=0.1";

    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        ConnectTimeout = Patience,
        UseCookies = false,
        UseProxy = false,
    })
    {
        MaxResponseContentBufferSize = LongestPage,
        Timeout = Patience,
    };

    private readonly FileTail _file = new(attempt.MetricsPath);
    private readonly ExpositionMetrics _metrics = new(metricNames);
    private readonly Dictionary<string, MetricPoint> _last = new(StringComparer.Ordinal);
    private long? _asked;
    private Uri? _answered;
    private string? _problem;

    public async IAsyncEnumerable<Report> ReadNewAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var report in _file.ReadNew().Select(Parse))
        {
            yield return report;
        }

        if (attempt.MetricsEndpoint is not { } endpoint || (_asked is { } last && time.GetElapsedTime(last) < Every))
        {
            yield break;
        }

        _asked = time.GetTimestamp();
        await ScrapeAsync(new($"http://{endpoint}{page.Path}"), cancellationToken);
        foreach (var report in _file.ReadNew().Select(Parse))
        {
            yield return report;
        }
    }

    public IAsyncEnumerable<Report> ReadToEndAsync(CancellationToken cancellationToken) =>
        _file.ReadToEnd().Select(Parse).ToAsyncEnumerable();

    public string WhyMissing(string metric) =>
        _answered is { } uri ? $"At {uri}: {_metrics.WhyMissing(metric)}"
        : _problem ?? "It ended before its metrics could be asked for; it must serve them for a second at least.";

    private async Task ScrapeAsync(Uri uri, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);

            // A program that closes its server waits for connections that are kept.
            request.Headers.ConnectionClose = true;
            foreach (var (name, value) in page.Headers)
            {
                _ = request.Headers.TryAddWithoutValidation(name, value);
            }

            if (!request.Headers.Contains("Accept"))
            {
                _ = request.Headers.TryAddWithoutValidation("Accept", Accepted);
            }

            using var response = await Client.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                _problem = FormattableString.Invariant($"{uri} answers with {(int)response.StatusCode}.");
                return;
            }

            var text = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            Keep(_metrics.Parse(text));
            _answered = uri;
        }
        catch (Exception failure) when (
            failure is HttpRequestException or IOException or UnauthorizedAccessException
            || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _problem = ProblemOf(uri, failure);
        }
    }

    private static string ProblemOf(Uri uri, Exception failure) => failure switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } =>
            $"{uri} answers with more than 4 MiB.",
        HttpRequestException =>
            $"There is no answer at {uri} ({failure.GetBaseException().Message.TrimEnd('.')}); "
            + "the program must listen there, on the port that KATIB_METRICS_PORT names.",
        OperationCanceledException => FormattableString.Invariant($"{uri} does not answer within {Patience.TotalSeconds} s."),
        _ => $"What {uri} answers cannot be kept: {failure.Message}",
    };

    /// <summary>Writes down what is new.</summary>
    private void Keep(ImmutableArray<MetricPoint> found)
    {
        var now = time.GetUtcNow();
        var changed = found.Where(IsNew).Select(point => JsonSerializer.Serialize(point with { Time = point.Time ?? now }));
        string[] lines = [.. changed];
        if (lines.Length > 0)
        {
            File.AppendAllLines(attempt.MetricsPath, lines);
        }
    }

    private bool IsNew(MetricPoint point) =>
        !_last.TryGetValue(point.Metric, out var last)
        || last.Value != point.Value
        || (point.Time is { } own && own != last.Time);

    private Report Parse(List<string> lines)
    {
        var points = ImmutableArray.CreateBuilder<MetricPoint>();
        foreach (var line in lines)
        {
            try
            {
                var point = JsonSerializer.Deserialize<MetricPoint>(line);
                _last[point.Metric] = point;
                points.Add(point);
            }
            catch (JsonException)
            {
                // Somebody was stopped in the middle of it; the value is found again.
            }
        }

        return new("", points.DrainToImmutable());
    }
}
