using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics;

/// <summary>A filter ready for use, and whether it is Katib's own, under which nan and inf count too.</summary>
internal readonly record struct TextFilter(Re2 Expression, bool IsDefault);

/// <summary>Metrics in lines of text: whatever the filters find.</summary>
internal static class TextMetrics
{
    private static readonly string[] NotNumbers = ["infinity", "inf", "nan"];

    public static ImmutableArray<MetricPoint> Parse(
        string line, ImmutableArray<string> metricNames, ImmutableArray<TextFilter> filters, MetricsFindings findings)
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
            foreach (var match in filter.Expression.Matches(line))
            {
                var name = match[1].Trim().ToString();
                var value = ValueOf(match, line, filter.IsDefault);
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

        return points.DrainToImmutable();
    }

    // Only what stands before a space counts, as in Katib; without a space there is no first word.
    private static DateTimeOffset? TimeOf(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && Rfc3339.TryParse(line.AsSpan(0, space), out var time) ? time : null;
    }

    private static string ValueOf(Re2Match match, string line, bool defaultFilter)
    {
        var value = match[2].Trim().ToString();
        return defaultFilter && value is "" or "+" or "-"
            ? NotNumberAt(line, match.EndOf(2)) is { Length: > 0 } word ? value + word : ""
            : value;
    }

    // The default filter cannot match nan and inf, which is what a diverged training prints.
    private static string NotNumberAt(string line, int start)
    {
        foreach (var word in NotNumbers)
        {
            var end = start + word.Length;
            if (string.Compare(line, start, word, 0, word.Length, StringComparison.OrdinalIgnoreCase) is 0
                && (end == line.Length || !(char.IsLetterOrDigit(line[end]) || line[end] is '_')))
            {
                return line[start..end];
            }
        }

        return "";
    }
}
