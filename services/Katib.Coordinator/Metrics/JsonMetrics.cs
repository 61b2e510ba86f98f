using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Katib.Coordinator.Metrics;

/// <summary>Metrics in lines of JSON: one object a line, a metric is a key.</summary>
internal static class JsonMetrics
{
    private const string TimestampKey = "timestamp";

    // Python's json module writes these, though JSON has no such numbers.
    private static readonly string[] BareWords = ["NaN", "Infinity", "-Infinity"];

    public static ImmutableArray<MetricPoint> Parse(
        string line, ImmutableArray<string> metricNames, MetricsFindings findings)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return [];
        }

        if (TryParse(line, metricNames, findings) is { } points)
        {
            return points;
        }

        findings.AddBadLine(
            $"'{MetricsFindings.Excerpt(line)}' is no JSON object; a metrics file in JSON has one in each line.");
        return [];
    }

    /// <summary>The metrics of a line that is a JSON object; null where it is none.</summary>
    public static ImmutableArray<MetricPoint>? TryParse(
        string line, ImmutableArray<string> metricNames, MetricsFindings findings)
    {
        if (line.AsSpan().Trim() is not ['{', .., '}'])
        {
            return null;
        }

        try
        {
            using var document = Read(line);
            return Parse(document.RootElement, metricNames, findings);
        }
        catch (Exception bad) when (bad is JsonException or ArgumentException or InvalidOperationException)
        {
            // Not JSON, not Unicode, or a string with half a surrogate pair in it.
            return null;
        }
    }

    private static ImmutableArray<MetricPoint> Parse(
        JsonElement entry, ImmutableArray<string> metricNames, MetricsFindings findings)
    {
        var points = ImmutableArray.CreateBuilder<MetricPoint>();
        var time = entry.TryGetProperty(TimestampKey, out var timestamp) ? TimeOf(timestamp) : null;
        foreach (var name in metricNames)
        {
            if (!entry.TryGetProperty(name, out var element))
            {
                continue;
            }

            var value = TextOf(element);
            if (value is null or "")
            {
                findings.AddBadLine(
                    $"The metric '{name}' is {MetricsFindings.Excerpt(element.GetRawText())}, no number and no text.");
            }
            else
            {
                points.Add(new(name, value, time));
            }
        }

        foreach (var property in entry.EnumerateObject())
        {
            if (!property.NameEquals(TimestampKey) && Numbers.TryParseReported(TextOf(property.Value), out _))
            {
                findings.AddNearMiss(property.Name);
            }
        }

        return points.DrainToImmutable();
    }

    // A number keeps the trial's own spelling.
    private static string? TextOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString()!.Trim(),
        JsonValueKind.Number => element.GetRawText(),
        _ => null,
    };

    // Katib takes the decimal digits of a number for nanoseconds, so that .28721 s become 28.721 microseconds; here
    // they are the fraction of a second that they are.
    private static DateTimeOffset? TimeOf(JsonElement timestamp)
    {
        switch (timestamp.ValueKind)
        {
            case JsonValueKind.String:
                return Rfc3339.TryParse(timestamp.GetString(), out var time) ? time : null;
            case JsonValueKind.Number:
                return timestamp.TryGetDecimal(out var seconds)
                    && seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds()
                    && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
                        ? DateTimeOffset.UnixEpoch.AddTicks((long)decimal.Floor(seconds * TimeSpan.TicksPerSecond))
                        : null;
            default:
                return null;
        }
    }

    private static JsonDocument Read(string line)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException) when (BareWords.Any(word => line.Contains(word, StringComparison.Ordinal)))
        {
            return JsonDocument.Parse(Quoted(line));
        }
    }

    /// <summary>The line with NaN and the infinities, where they stand outside strings, in quotes.</summary>
    private static string Quoted(string line)
    {
        var quoted = new StringBuilder(line.Length + 16);
        var inString = false;
        for (var at = 0; at < line.Length;)
        {
            var word = inString
                ? null
                : Array.Find(BareWords, word => string.CompareOrdinal(line, at, word, 0, word.Length) is 0);
            if (word is not null)
            {
                _ = quoted.Append(CultureInfo.InvariantCulture, $"\"{word}\"");
                at += word.Length;
                continue;
            }

            inString ^= line[at] is '"';
            if (inString && line[at] is '\\' && at + 1 < line.Length)
            {
                _ = quoted.Append(line[at++]);
            }

            _ = quoted.Append(line[at++]);
        }

        return quoted.ToString();
    }
}
