using System.Globalization;
using System.Numerics;

namespace Katib;

/// <summary>The numbers <c>min + k * step</c> up to and including <c>max</c>, in exact decimal arithmetic.</summary>
internal sealed class ArithmeticGrid
{
    private const long MaxExact = 1L << 53;

    private readonly BigInteger _origin;
    private readonly BigInteger _step;
    private readonly BigInteger _unit;
    private readonly int _exponent;
    private readonly bool _fits;

    public ArithmeticGrid(ExactDecimal min, ExactDecimal max, ExactDecimal step)
    {
        _exponent = Math.Min(0, Math.Min(min.Exponent, Math.Min(max.Exponent, step.Exponent)));
        _origin = min.At(_exponent);
        _step = step.At(_exponent);
        _unit = BigInteger.Pow(10, -_exponent);
        _fits = _exponent >= -22
            && BigInteger.Abs(_origin) <= MaxExact && BigInteger.Abs(max.At(_exponent)) <= MaxExact;
        Count = ((max.At(_exponent) - _origin) / _step) + 1;
    }

    /// <summary>How many there are; at least 1.</summary>
    public BigInteger Count { get; }

    /// <summary>Number k as the nearest double.</summary>
    public double ValueAt(long k)
    {
        if (_fits)
        {
            // Both operands are exact as doubles, so the division gives the nearest one.
            return (double)((long)_origin + (k * (long)_step)) / (double)_unit;
        }

        var scaled = _origin + (k * _step);
        return double.Parse(
            string.Create(CultureInfo.InvariantCulture, $"{scaled}e{_exponent}"), CultureInfo.InvariantCulture);
    }

    /// <summary>Number k rounded to a whole number, halves away from zero.</summary>
    public long WholeAt(BigInteger k)
    {
        var scaled = _origin + (k * _step);
        var half = BigInteger.Abs(scaled) + (_unit / 2);
        return (long)(half / _unit) * scaled.Sign;
    }
}
