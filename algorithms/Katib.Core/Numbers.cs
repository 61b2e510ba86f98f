using System.Globalization;

namespace Katib;

/// <summary>Numbers as text, both ways, alike on every machine.</summary>
public static class Numbers
{
    private const int MaxExactDigits = 15;
    private const int MaxExactPower = 22;

    /// <summary>From here on Python writes an exponent.</summary>
    private const double MinScientific = 1e16;

    private const double RelativeError = 1.0 / (1L << 52);

    private static readonly double[] PowersOfTen =
        [.. Enumerable.Range(0, MaxExactPower + 1)
            .Select(static k => double.Parse($"1e{k}", CultureInfo.InvariantCulture))];

    /// <summary>Reads a finite number; false for anything else, NaN and infinities included.</summary>
    public static bool TryParse(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
        && double.IsFinite(value)
        && !text.Contains('\0', StringComparison.Ordinal); // .NET passes over zero characters at the end.

    /// <summary>Reads what a program has printed as a number: a decimal number, an infinity or NaN, in any case and with or without a sign.</summary>
    public static bool TryParseReported(ReadOnlySpan<char> text, out double value)
    {
        text = text.Trim();
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            return true;
        }

        // Most languages print inf where .NET prints Infinity.
        value = text is ['-', ..] ? double.NegativeInfinity : double.PositiveInfinity;
        return (text is ['+' or '-', ..] ? text[1..] : text).Equals("inf", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>
    /// The shortest text that reads back as the same number, in Python's spelling, which Katib's users see:
    /// <c>4.0</c>, <c>0.3</c>, <c>1.5e-05</c>, <c>1e+16</c>.
    /// </summary>
    public static string Format(double value)
    {
        if (value == 0)
        {
            return "0.0";
        }

        var text = value.ToString("R", CultureInfo.InvariantCulture);
        var at = text.IndexOf('E', StringComparison.Ordinal);
        if (at >= 0)
        {
            var exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            return Scientific(text[..at], exponent);
        }

        if (Math.Abs(value) < MinScientific)
        {
            return text.Contains('.', StringComparison.Ordinal) ? text : text + ".0";
        }

        // .NET writes out one digit more than Python: 12345678901234568 is 1.2345678901234568e+16.
        var lead = value < 0 ? 2 : 1;
        var rest = text[lead..].TrimEnd('0');
        return Scientific(rest.Length is 0 ? text[..lead] : $"{text[..lead]}.{rest}", text.Length - lead);
    }

    /// <summary>
    /// Rounds to a number of significant decimal digits; the result is the double nearest to that decimal.
    /// </summary>
    public static double RoundSignificant(double value, int digits)
    {
        if (digits >= 17 || value == 0 || !double.IsFinite(value))
        {
            return value;
        }

        var shift = digits - 1 - (int)Math.Floor(Math.Log10(Math.Abs(value)));
        if (digits <= MaxExactDigits && Math.Abs(shift) <= MaxExactPower)
        {
            var power = PowersOfTen[Math.Abs(shift)];
            var scaled = shift >= 0 ? value * power : value / power;
            var whole = Math.Round(scaled);

            // Near the middle between two decimals the rounding of the product decides, and just below a power of ten
            // the logarithm may be that of the power: there the text is asked.
            if (Math.Abs(scaled) > PowersOfTen[digits - 1]
                && Math.Abs(Math.Abs(scaled - whole) - 0.5) > Math.Abs(scaled) * RelativeError)
            {
                // Both operands are exact, so the one rounding of the operation gives the nearest double.
                return shift >= 0 ? whole / power : whole * power;
            }
        }

        var text = value.ToString($"E{digits - 1}", CultureInfo.InvariantCulture);
        return double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static string Scientific(string mantissa, int exponent) => string.Create(
        CultureInfo.InvariantCulture, $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
}
