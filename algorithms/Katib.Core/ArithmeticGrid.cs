using System.Globalization;
using System.Numerics;

namespace Katib;

/// <summary>The numbers <c>min + k * step</c> up to and including <c>max</c>, in exact decimal arithmetic.</summary>
internal sealed class ArithmeticGrid
{
    private const long MaxExact = 1L << 53;
    private const int MaxExactPower = 22;

    private readonly BigInteger _origin;
    private readonly BigInteger _step;
    private readonly BigInteger _unit;
    private readonly int _exponent;

    // The same as machine numbers, where they fit.
    private readonly bool _fits;
    private readonly long _fastOrigin;
    private readonly long _fastStep;
    private readonly double _fastUnit;

    /// <summary>A grid whose max is not below min and whose step is above zero.</summary>
    public ArithmeticGrid(ExactDecimal min, ExactDecimal max, ExactDecimal step)
    {
        _exponent = Math.Min(min.Exponent, Math.Min(max.Exponent, step.Exponent));
        if (_exponent is > 0 and <= MaxExactPower)
        {
            _exponent = 0;
        }

        _origin = min.At(_exponent);
        _step = step.At(_exponent);
        _unit = BigInteger.Pow(10, Math.Max(0, -_exponent));
        var end = max.At(_exponent);
        Count = ((end - _origin) / _step) + 1;
        if (_exponent is >= -MaxExactPower and <= 0
            && BigInteger.Abs(_origin) <= MaxExact && BigInteger.Abs(end) <= MaxExact)
        {
            _fits = true;
            _fastOrigin = (long)_origin;
            _fastStep = Count.IsOne ? 0 : (long)_step;
            _fastUnit = (double)_unit;
        }
    }

    /// <summary>How many there are; at least 1.</summary>
    public BigInteger Count { get; }

    /// <summary>Number k as the nearest double.</summary>
    public double ValueAt(long k)
    {
        if (_fits)
        {
            // Both operands are exact as doubles, so the division gives the nearest one.
            return (_fastOrigin + (k * _fastStep)) / _fastUnit;
        }

        var scaled = _origin + (k * _step);
        return double.Parse(
            string.Create(CultureInfo.InvariantCulture, $"{scaled}e{_exponent}"), CultureInfo.InvariantCulture);
    }

    /// <summary>Number k rounded to a whole number, halves away from zero; for bounds that are whole numbers.</summary>
    public long WholeAt(BigInteger k)
    {
        if (_fits && _exponent == 0)
        {
            return _fastOrigin + ((long)k * _fastStep);
        }

        var scaled = _origin + (k * _step);
        var half = BigInteger.Abs(scaled) + (_unit / 2);
        return (long)(half / _unit) * scaled.Sign;
    }
}
