using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics;

/// <summary>Metrics in lines of text: what the user's filters find, and without any what programs usually print.</summary>
internal static class TextMetrics
{
    public static ImmutableArray<MetricPoint> Parse(
        string line, ImmutableArray<string> metricNames, ImmutableArray<Re2> filters, MetricsFindings findings)
    {
        line = filters.IsEmpty ? DefaultMetrics.WithoutColours(line) : line;

        // Most lines of most logs have no metric, and a search for a name costs far less than all that follows.
        var isMentioned = metricNames.Any(name => line.Contains(name, StringComparison.Ordinal));
        if (!isMentioned && !findings.WantsNearMisses(line))
        {
            return [];
        }

        // In an object without the metrics, one of its texts may have them.
        if (filters.IsEmpty && JsonMetrics.TryParse(line, metricNames, findings) is { } ofJson
            && (!ofJson.IsEmpty || !isMentioned || findings.IsBadLine))
        {
            return ofJson;
        }

        var found = filters.IsEmpty
            ? DefaultMetrics.Find(line, metricNames)
            : filters.SelectMany(filter => filter.Matches(line))
                .Select(static match => (match[1].Trim().ToString(), match[2].Trim().ToString()));
        var points = ImmutableArray.CreateBuilder<MetricPoint>();
        var time = TimeOf(line);
        foreach (var (name, value) in found)
        {
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

        if (points.Count is 0)
        {
            findings.AddUnmatched(
                line, filters.IsEmpty ? "without '=' or ':' and a number behind it" : "and no filter finds a value of it there");
        }

        return points.DrainToImmutable();
    }

    // Only what stands before a space counts, as in Katib; without a space there is no first word.
    private static DateTimeOffset? TimeOf(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && Rfc3339.TryParse(line.AsSpan(0, space), out var time) ? time : null;
    }
}
