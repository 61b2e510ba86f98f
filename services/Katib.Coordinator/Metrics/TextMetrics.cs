using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics;

/// <summary>Metrics in lines of text: whatever the user's filters find.</summary>
internal static class TextMetrics
{
    public static ImmutableArray<MetricPoint> Parse(
        string line, ImmutableArray<string> metricNames, ImmutableArray<Re2> filters, MetricsFindings findings)
    {
        // Most lines of most logs have no metric, and a search for a name costs far less than an expression.
        var mentioned = metricNames.Any(name => line.Contains(name, StringComparison.Ordinal));
        if (!mentioned && !findings.WantsNearMisses(line))
        {
            return [];
        }

        var points = ImmutableArray.CreateBuilder<MetricPoint>();
        var time = TimeOf(line);
        foreach (var filter in filters)
        {
            foreach (var match in filter.Matches(line))
            {
                var name = match[1].Trim().ToString();
                var value = match[2].Trim().ToString();
                if (!metricNames.Contains(name))
                {
                    findings.AddNearMiss(value.Length > 0 ? name : "");
                }
                else if (value.Length is 0)
                {
                    findings.AddBadLine($"The metric '{name}' has no value in '{MetricsFindings.Excerpt(line)}'.");
                }
                else
                {
                    points.Add(new(name, value, time));
                }
            }
        }

        if (points.Count is 0)
        {
            findings.AddUnmatched(line, "and no filter finds a value of it there");
        }

        return points.DrainToImmutable();
    }

    /// <summary>The time that a line begins with: only what stands before a space counts, as in Katib.</summary>
    public static DateTimeOffset? TimeOf(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && Rfc3339.TryParse(line.AsSpan(0, space), out var time) ? time : null;
    }
}
