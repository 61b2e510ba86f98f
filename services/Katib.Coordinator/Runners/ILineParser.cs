using System.Collections.Immutable;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Runners;

/// <summary>Finds the metrics in what one trial writes, a line at a time and in order.</summary>
public interface ILineParser
{
    /// <summary>The points of one line, without its line break; empty when it reports nothing.</summary>
    ImmutableArray<MetricPoint> Parse(string line);

    /// <summary>Why the lines so far have no value of a metric, as a sentence; null where there is nothing to say.</summary>
    string? WhyMissing(string metric);
}
