using System.Globalization;
using System.Numerics;

namespace Katib;

/// <summary>A decimal number exactly as written: <c>Mantissa * 10^Exponent</c>.</summary>
/// <remarks>Steps are counted and added in it, so that 0.1 + 2 * 0.1 is 0.3, whatever the size of the numbers.</remarks>
internal readonly record struct ExactDecimal(BigInteger Mantissa, int Exponent) : IComparable<ExactDecimal>
{
    /// <summary>Longer texts are no numbers that a person wrote; the bound keeps the arithmetic cheap.</summary>
    public const int MaxLength = 400;

    /// <summary>Reads what <see cref="Numbers.TryParse"/> reads.</summary>
    public static bool TryParse(string text, out ExactDecimal number)
    {
        number = default;
        if (text.Length > MaxLength || !Numbers.TryParse(text, out var value))
        {
            return false;
        }

        if (value == 0)
        {
            return true;
        }

        var trimmed = text.Trim();
        var at = trimmed.IndexOfAny(['e', 'E']);
        var digits = at < 0 ? trimmed : trimmed[..at];
        var exponent = at < 0 ? 0 : int.Parse(trimmed.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
        {
            exponent -= digits.Length - point - 1;
            digits = digits.Remove(point, 1);
        }

        number = new(BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), exponent);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ExactDecimal other)
    {
        var exponent = Math.Min(Exponent, other.Exponent);
        return At(exponent).CompareTo(other.At(exponent));
    }

    /// <summary>The mantissa when the exponent is lowered to <paramref name="exponent"/>.</summary>
    public BigInteger At(int exponent) => Mantissa * BigInteger.Pow(10, Exponent - exponent);
}
