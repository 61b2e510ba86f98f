using MathNet.Numerics;

namespace Katib;

/// <summary>A distribution between two ends, on a linear or logarithmic scale; maps probabilities to values.</summary>
/// <remarks>
/// <para>The scale runs from 0 at min to 1 at max, so that neither a range wider than the largest double nor one of two
/// neighbouring doubles is a special case.</para>
/// <para>Mean and standard deviation are Katib's: middle and a sixth of the bounds on the scale. Unlike Katib's, the
/// normal ones are truncated: to the bounds for a continuum, to the ends of the outermost cells for a finite
/// parameter.</para>
/// </remarks>
internal sealed class Law
{
    private const double Mean = 1.0 / 2;
    private const double Deviation = 1.0 / 6;

    /// <summary>Beyond it an exponential overflows, though its product with a small min would not.</summary>
    private const double MaxExponent = 700;

    private readonly bool _log;
    private readonly bool _normal;
    private readonly double _min;
    private readonly double _max;
    private readonly double _width;
    private readonly double _low;
    private readonly double _high;
    private readonly double _below;
    private readonly double _within;

    public Law(Distribution distribution, double min, double max, double marginBelow = 0, double marginAbove = 0)
    {
        _log = distribution is Distribution.LogUniform or Distribution.LogNormal;
        _normal = IsNormal(distribution);
        _min = min;
        _max = max;
        _width = Distance(max);
        _low = -marginBelow;
        _high = 1 + marginAbove;
        _below = Cumulative(_low);
        _within = Cumulative(_high) - _below;
    }

    /// <summary>Whether the distribution has a peak in the middle of its scale.</summary>
    public static bool IsNormal(Distribution distribution) =>
        distribution is Distribution.Normal or Distribution.LogNormal;

    /// <summary>Where a value lies on the distribution's scale.</summary>
    public double ToScale(double value) => Distance(value) / _width;

    /// <summary>And back.</summary>
    public double FromScale(double scaled)
    {
        if (!_log)
        {
            // Not min + scaled * (max - min): the difference may overflow.
            return (_min * (1 - scaled)) + (_max * scaled);
        }

        var exponent = scaled * _width;
        return _width < MaxExponent ? _min * Math.Exp(exponent) : Math.Exp(Math.Log(_min) + exponent);
    }

    /// <summary>The point on the scale below which lies the given share of the probability, in [0,1].</summary>
    public double Quantile(double probability)
    {
        if (!_normal)
        {
            return _low + (probability * (_high - _low));
        }

        var z = -Constants.Sqrt2 * SpecialFunctions.ErfcInv(2 * (_below + (probability * _within)));
        return Math.Clamp(Mean + (Deviation * z), _low, _high);
    }

    private static double Cumulative(double scaled) =>
        SpecialFunctions.Erfc((Mean - scaled) / Deviation / Constants.Sqrt2) / 2;

    /// <summary>How far a value lies above min: the difference, or the logarithm of the ratio.</summary>
    private double Distance(double value)
    {
        if (!_log)
        {
            // A sixteenth of a range that large is exact, and does not overflow.
            return (_max / 2) - (_min / 2) > double.MaxValue / 4 ? (value / 16) - (_min / 16) : value - _min;
        }

        var ratio = value / _min;
        if (ratio >= 2)
        {
            return double.IsFinite(ratio) ? Math.Log(ratio) : Math.Log(value) - Math.Log(_min);
        }

        // log(1 + x) to full precision for a small x: W. Kahan, HP-15C Advanced Functions Handbook, 1982.
        var x = (value - _min) / _min;
        var rounded = 1 + x;
        return rounded == 1 ? x : Math.Log(rounded) * (x / (rounded - 1));
    }
}
