using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Metrics;

/// <summary>Reads one trial's metrics, line by line, as Katib's metrics collectors do.</summary>
/// <remarks>
/// A line never makes it fail: what cannot be read is skipped and remembered. Different from Katib, on purpose:
/// a value is never empty (Katib records one for <c>loss=nan</c>), JSON numbers count like strings, the fraction of a
/// JSON timestamp is a fraction, and a broken JSON line costs that line alone. Without a filter more is found than by
/// Katib's (<see cref="DefaultMetrics"/>). Not safe for concurrent use.
/// </remarks>
public sealed class MetricsParser(MetricsCollectorSpec collector, ImmutableArray<string> metricNames)
{
    private readonly MetricsFindings _findings = new(metricNames);
    private readonly ImmutableArray<Re2> _filters = FiltersOf(collector);

    /// <summary>The first lines that could not be read; at most ten.</summary>
    public ImmutableArray<BadLine> BadLines => _findings.BadLines;

    /// <summary>How many lines could not be read.</summary>
    public long BadLineCount => _findings.BadLineCount;

    /// <summary>The first lines that name a metric and give no value of it; at most ten.</summary>
    public ImmutableArray<BadLine> Unmatched => _findings.Unmatched;

    /// <summary>Names that were reported with a value but are not among the metrics asked for; at most ten.</summary>
    public ImmutableArray<string> NearMisses => _findings.NearMisses;

    /// <summary>The values of the metrics asked for that stand in this line, in Katib's order.</summary>
    public ImmutableArray<MetricPoint> Parse(string line)
    {
        _findings.Line++;

        // Some writers open a file with a byte order mark.
        var text = _findings.Line is 1 ? line.TrimStart('\uFEFF') : line;
        return collector.Format is MetricsFormat.Json
            ? JsonMetrics.Parse(text, metricNames, _findings)
            : TextMetrics.Parse(text, metricNames, _filters, _findings);
    }

    /// <summary>Why the lines so far have no value of a metric, as a sentence; null where there is nothing to say.</summary>
    public string? WhyMissing(string metric)
    {
        var named = BadLines.Concat(Unmatched).FirstOrDefault(b => b.Message.Contains($"'{metric}'", StringComparison.Ordinal));
        return NearestName.Of(metric, NearMisses) is { } near ? $"Found '{near}', expected '{metric}'."
            : (named ?? BadLines.FirstOrDefault()) is { } bad ? FormattableString.Invariant($"Line {bad.Line}: {bad.Message}")
            : NearMisses.IsEmpty ? null
            : $"Found {string.Join(", ", NearMisses.Select(static n => $"'{n}'"))}, expected '{metric}'.";
    }

    // Katib's own filter, written out, asks for no more than leaving it out does.
    private static ImmutableArray<Re2> FiltersOf(MetricsCollectorSpec collector) =>
        collector.Format is MetricsFormat.Json || collector.Filters is [MetricFilter.Default]
            ? []
            : [.. collector.Filters.Select(static filter =>
                MetricFilter.TryRead(filter, out var expression, out var problem)
                    ? expression
                    : throw new ArgumentException($"The metrics filter '{filter}' cannot be used. {problem}"))];
}
