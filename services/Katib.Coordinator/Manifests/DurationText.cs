using System.Globalization;
using System.Text.RegularExpressions;

namespace Katib.Coordinator.Manifests;

/// <summary>Spans of time as users write them: <c>90s</c>, <c>30m</c>, <c>1h30m</c>, <c>2d</c>.</summary>
public static partial class DurationText
{
    /// <summary>What to write, for messages.</summary>
    public const string Remedy = "write a number with a unit, such as 90s, 30m, 1h30m or 2d";

    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    private static readonly (string Unit, TimeSpan Span)[] Units =
    [
        ("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)),
    ];

    /// <summary>Reads a span; false when it is none, is zero, or is longer than ten years.</summary>
    public static bool TryParse(string text, out TimeSpan span)
    {
        span = TimeSpan.Zero;
        var match = Pattern.Match(text.Trim());
        if (!match.Success)
        {
            return false;
        }

        try
        {
            foreach (var (unit, one) in Units)
            {
                if (match.Groups[unit] is { Success: true } given)
                {
                    span += double.Parse(given.ValueSpan, CultureInfo.InvariantCulture) * one;
                }
            }
        }
        catch (OverflowException)
        {
            return false;
        }

        return span > TimeSpan.Zero && span <= Longest;
    }

    /// <summary>The span as a user would write it.</summary>
    public static string Of(TimeSpan span)
    {
        var seconds = (decimal)(span.Ticks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerSecond;
        var parts = new (decimal Count, string Unit)[] { (span.Days, "d"), (span.Hours, "h"), (span.Minutes, "m"), (seconds, "s") }
            .Where(static part => part.Count > 0)
            .Select(static part => string.Create(CultureInfo.InvariantCulture, $"{part.Count:0.#######}{part.Unit}"));
        return span == TimeSpan.Zero ? "0s" : string.Concat(parts);
    }

    [GeneratedRegex(@"\A(?=.)((?<d>[0-9]{1,9}(\.[0-9]{1,9})?)d)?((?<h>[0-9]{1,9}(\.[0-9]{1,9})?)h)?((?<m>[0-9]{1,9}(\.[0-9]{1,9})?)m)?((?<s>[0-9]{1,9}(\.[0-9]{1,9})?)s)?\z")]
    private static partial Regex Pattern { get; }
}
