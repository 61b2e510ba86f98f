using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Pushing;

/// <summary>The body of a push is wrong; the message names the field, its value and the remedy.</summary>
internal sealed class PushFormException(string message) : Exception(message);

/// <summary>What a trial posts: names and values, with the step and the time of the report among them.</summary>
/// <remarks>As a form, <c>loss=0.31&amp;step=12</c>, or as JSON, <c>{"loss": 0.31, "step": 12}</c>, one object or an array of them.</remarks>
internal static class PushForm
{
    /// <summary>The longest name of a metric, as in Katib's database.</summary>
    public const int MaxNameLength = 255;

    /// <summary>The longest value: any number, and room for words.</summary>
    public const int MaxValueLength = 1024;

    private const string Step = "step";
    private const string Timestamp = "timestamp";

    /// <summary>The values of a form's fields.</summary>
    /// <exception cref="PushFormException">A field is wrong.</exception>
    public static ImmutableArray<MetricPoint> Read(IEnumerable<KeyValuePair<string, string>> fields)
    {
        long? step = null;
        DateTimeOffset? time = null;
        var values = new List<(string Name, string Value)>();
        foreach (var (name, value) in fields)
        {
            switch (name)
            {
                case Step:
                    step = StepOf(value);
                    break;
                case Timestamp:
                    time = TimeOf(value);
                    break;
                default:
                    values.Add((Name(name), NumberOf(name, value)));
                    break;
            }
        }

        return values.Count is 0
            ? throw new PushFormException("There is no metric in the report; write it as NAME=NUMBER, for instance loss=0.31.")
            : [.. values.Select(v => new MetricPoint(v.Name, v.Value, time) { Step = step })];
    }

    /// <summary>The values of a JSON document.</summary>
    /// <exception cref="PushFormException">It is no JSON, or a field is wrong.</exception>
    public static ImmutableArray<MetricPoint> Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind is JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().SelectMany(static report => ReadReport(report))]
                : ReadReport(document.RootElement);
        }
        catch (JsonException broken)
        {
            throw new PushFormException($"The body is no JSON: {broken.Message}");
        }
    }

    private static ImmutableArray<MetricPoint> ReadReport(JsonElement report) => report.ValueKind is JsonValueKind.Object
        ? Read(report.EnumerateObject().Select(static field => new KeyValuePair<string, string>(field.Name, field.Value.ValueKind switch
        {
            JsonValueKind.String => field.Value.GetString()!,
            JsonValueKind.Number => field.Value.GetRawText(),
            _ => throw new PushFormException(
                $"The field '{Excerpt(field.Name)}' is {Excerpt(field.Value.GetRawText())}; it must be a number, or one in quotes such as \"NaN\"."),
        })))
        : throw new PushFormException("A report must be an object such as {\"loss\": 0.31, \"step\": 12}.");

    private static string Name(string name) => name.Length is > 0 and <= MaxNameLength
        ? name
        : throw new PushFormException(
            $"The metric's name '{Excerpt(name)}' has {name.Length} characters; it must have between 1 and {MaxNameLength}.");

    private static string NumberOf(string name, string value) => value.Length <= MaxValueLength && Numbers.TryParseReported(value, out _)
        ? value
        : throw new PushFormException($"The metric '{Excerpt(name)}' is '{Excerpt(value)}', which is no number; send one such as 0.31, 3.1e-1 or NaN.");

    private static long StepOf(string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var step)
            ? step
            : throw new PushFormException($"The field 'step' is '{Excerpt(value)}'; it must be a whole number.");

    private static DateTimeOffset TimeOf(string value)
    {
        if (Rfc3339.TryParse(value, out var time))
        {
            return time;
        }

        // Seconds since 1970, as `date +%s` prints them.
        return double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && Math.Abs(seconds) < 1e11
            ? DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond))
            : throw new PushFormException(
                $"The field 'timestamp' is '{Excerpt(value)}'; it must be a time such as 2026-01-31T12:00:00Z, or the seconds since 1970.");
    }

    private static string Excerpt(string text) => MetricsFindings.Excerpt(text);
}
