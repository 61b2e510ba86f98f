using System.Globalization;

namespace Katib;

/// <summary>Numbers as text, both ways, alike on every machine.</summary>
public static class Numbers
{
    private const int MaxExactDigits = 15;
    private const int MaxExactPower = 22;

    private static readonly double[] PowersOfTen =
        [.. Enumerable.Range(0, MaxExactPower + 1).Select(static k => double.Parse($"1e{k}", CultureInfo.InvariantCulture))];

    /// <summary>Reads a finite number; false for anything else, NaN and infinities included.</summary>
    public static bool TryParse(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
        && double.IsFinite(value)
        && !text.Contains('\0', StringComparison.Ordinal); // .NET passes over zero characters at the end.

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
        if (at < 0)
        {
            return text.Contains('.', StringComparison.Ordinal) ? text : text + ".0";
        }

        var mantissa = text.AsSpan(0, at);
        var exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return exponent == 15
            ? Positional(mantissa)
            : string.Create(CultureInfo.InvariantCulture, $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    /// <summary>Rounds to a number of significant decimal digits; the result is the double nearest to that decimal.</summary>
    public static double RoundSignificant(double value, int digits)
    {
        if (digits >= 17 || value == 0 || !double.IsFinite(value))
        {
            return value;
        }

        var shift = digits - 1 - (int)Math.Floor(Math.Log10(Math.Abs(value)));
        if (digits <= MaxExactDigits && Math.Abs(shift) <= MaxExactPower)
        {
            // Both operands of the last operation are exact, so its one rounding gives the nearest double.
            var power = PowersOfTen[Math.Abs(shift)];
            return shift >= 0 ? Math.Round(value * power) / power : Math.Round(value / power) * power;
        }

        var text = value.ToString($"E{digits - 1}", CultureInfo.InvariantCulture);
        return double.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>A number of 16 whole digits: the one size that Python writes out and .NET does not.</summary>
    private static string Positional(ReadOnlySpan<char> mantissa)
    {
        var sign = mantissa[0] == '-' ? "-" : "";
        var digits = mantissa[sign.Length..].ToString().Replace(".", "", StringComparison.Ordinal).PadRight(17, '0');
        return $"{sign}{digits[..16]}.{digits[16..]}";
    }
}
