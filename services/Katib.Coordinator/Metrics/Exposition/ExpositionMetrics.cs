using System.Collections.Immutable;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Metrics.Exposition;

/// <summary>Finds a trial's metrics in pages of Prometheus' text format, each of which has one present value of a series.</summary>
/// <remarks>
/// A metric is a series of that name, <c>loss</c>, or with those labels, <c>loss{split="val"}</c>. Where several series
/// are meant, the one without further labels is; where there is none, no value is taken: to guess would be to tune
/// for something else than what was asked. A line that is not of the format costs that line alone. Not safe for
/// concurrent use.
/// </remarks>
/// <param name="metricNames">Which metrics count, the objective's first.</param>
public sealed class ExpositionMetrics(ImmutableArray<string> metricNames)
{
    private const int MostNamed = 10;

    private readonly ImmutableArray<(string Metric, ExpositionSeries Series)> _asked =
        [.. metricNames.Select(static name => (name, ExpositionSeries.Of(name)))];

    private ImmutableArray<ExpositionSample> _samples = [];

    /// <summary>The first line of the last page that could not be read; null when all could be.</summary>
    public BadLine? FirstBadLine { get; private set; }

    /// <summary>The present value of each metric that the page has.</summary>
    public ImmutableArray<MetricPoint> Parse(string page)
    {
        Read(page);
        return
        [
            .. from asked in _asked
               let sample = SampleOf(asked.Series)
               where sample is not null
               select new MetricPoint(asked.Metric, sample.Value, sample.Time),
        ];
    }

    /// <summary>Why the last page has no value of a metric, as a sentence.</summary>
    public string WhyMissing(string metric)
    {
        var asked = ExpositionSeries.Of(metric);
        var several = Names(sample => sample.Series.IsOneOf(asked));
        var others = Names(static _ => true);
        return several.Length > 1 ? $"Several series are '{metric}': {Listed(several)}; write the one that is meant as the metric's name."
            : NearestName.Of(metric, others) is { } near ? $"Found '{near}', expected '{metric}'."
            : FirstBadLine is { } bad ? FormattableString.Invariant($"Line {bad.Line} {bad.Message}")
            : others.IsEmpty ? "The page has no value."
            : $"Found {Listed(others)}, expected '{metric}'.";
    }

    private void Read(string page)
    {
        // Only OpenMetrics ends so, and must.
        var isOpenMetrics = $"\n{page}".AsSpan().TrimEnd().EndsWith("\n# EOF", StringComparison.Ordinal);
        var samples = ImmutableArray.CreateBuilder<ExpositionSample>();
        FirstBadLine = null;
        var number = 0;
        foreach (var range in page.AsSpan().Split('\n'))
        {
            number++;
            var line = page.AsSpan(range).TrimEnd('\r');
            if (line.TrimStart(" \t") is [] or ['#', ..])
            {
                continue;
            }

            if (new ExpositionLine(line).Sample(isOpenMetrics) is { } sample)
            {
                samples.Add(sample);
            }
            else
            {
                FirstBadLine ??= new(number, $"is not in Prometheus' text format: '{MetricsFindings.Excerpt(line.ToString())}'.");
            }
        }

        _samples = samples.DrainToImmutable();
    }

    private ExpositionSample? SampleOf(ExpositionSeries asked)
    {
        var meant = _samples.Where(sample => sample.Series.IsOneOf(asked)).ToArray();
        return meant is [var only] ? only : meant.LastOrDefault(sample => sample.Series.Is(asked));
    }

    private ImmutableArray<string> Names(Func<ExpositionSample, bool> which) =>
        [.. _samples.Where(which).Select(static sample => sample.Series.ToString()).Distinct().Take(MostNamed)];

    private static string Listed(ImmutableArray<string> names) => string.Join(", ", names.Select(static name => $"'{name}'"));
}
