using System.Collections.Immutable;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Runners;

/// <summary>Finds the metrics in what one trial writes, a line at a time and in order.</summary>
public interface ILineParser
{
    /// <summary>The points of one line, without its line break; empty when it reports nothing.</summary>
    ImmutableArray<MetricPoint> Parse(string line);
}
