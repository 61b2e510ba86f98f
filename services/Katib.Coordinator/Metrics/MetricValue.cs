using System.Globalization;

namespace Katib.Coordinator.Metrics;

/// <summary>Metric values as numbers: what a number's text may look like.</summary>
internal static class MetricValue
{
    /// <summary>Reads a decimal number, an infinity or NaN, in any case and with or without a sign.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out double number)
    {
        text = text.Trim();
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number))
        {
            return true;
        }

        // Most languages print inf where .NET prints Infinity.
        number = text is ['-', ..] ? double.NegativeInfinity : double.PositiveInfinity;
        return (text is ['+' or '-', ..] ? text[1..] : text).Equals("inf", StringComparison.OrdinalIgnoreCase);
    }
}
