using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Pushing;

/// <summary>Tells a value that is pushed once more, because no answer came, from a further one.</summary>
internal static class PushIdentity
{
    /// <summary>The same values, each with what it is known by.</summary>
    /// <remarks>
    /// A value with a step is known by it, whatever the value: a step is reported once. One with a time alone is known by
    /// both, and by its place among equals, for Katib's own SDK tells whole seconds, in which a quick training reports more than
    /// once. One with neither is known by the whole report that it stands in.
    /// </remarks>
    /// <param name="points">The values of one report.</param>
    public static ImmutableArray<MetricPoint> Mark(ImmutableArray<MetricPoint> points)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        string? report = null;
        return [.. points.Select((point, i) => point with { Identity = Of(point, i) })];

        string Of(MetricPoint point, int index)
        {
            if (point.Step is { } step)
            {
                return Digest(["step", point.Metric, Text(step)]);
            }

            if (point.Time is not { } time)
            {
                report ??= Digest([.. points.SelectMany(static p => new[] { p.Metric, p.Value })]);
                return Digest(["report", report, Text(index)]);
            }

            var alike = Digest(["time", point.Metric, Text(time.UtcTicks), point.Value]);
            var before = seen.GetValueOrDefault(alike);
            seen[alike] = before + 1;
            return before is 0 ? alike : Digest([alike, Text(before)]);
        }
    }

    /// <summary>Short, and the same for the same parts only.</summary>
    private static string Digest(IEnumerable<string> parts)
    {
        var text = string.Concat(parts.Select(static part => string.Create(CultureInfo.InvariantCulture, $"{part.Length}:{part}")));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
