using MathNet.Numerics;

namespace Katib;

/// <summary>A distribution between two ends, on a linear or logarithmic scale; maps probabilities to values.</summary>
/// <remarks>
/// Mean and standard deviation are Katib's: middle and a sixth of the bounds on the scale. Unlike Katib's, the normal
/// ones are truncated: to the bounds for a continuum, to the ends of the outermost cells for a finite parameter.
/// </remarks>
internal sealed class Law
{
    private readonly bool _log;
    private readonly bool _normal;
    private readonly double _mean;
    private readonly double _deviation;
    private readonly double _low;
    private readonly double _high;

    public Law(Distribution distribution, double min, double max, double marginBelow = 0, double marginAbove = 0)
    {
        _log = distribution is Distribution.LogUniform or Distribution.LogNormal;
        _normal = distribution is Distribution.Normal or Distribution.LogNormal;
        var (a, b) = (ToScale(min), ToScale(max));
        _mean = (a / 2) + (b / 2);
        _deviation = (b / 6) - (a / 6);
        _low = a - marginBelow;
        _high = b + marginAbove;
    }

    /// <summary>A value on the distribution's scale.</summary>
    public double ToScale(double value) => _log ? Math.Log(value) : value;

    /// <summary>And back.</summary>
    public double FromScale(double scaled) => _log ? Math.Exp(scaled) : scaled;

    /// <summary>The point on the scale below which lies the given share of the probability, in [0,1].</summary>
    public double Quantile(double probability)
    {
        if (!_normal)
        {
            // Not low + p * (high - low): the difference may overflow.
            return (_low * (1 - probability)) + (_high * probability);
        }

        var (a, b) = (Cumulative(_low), Cumulative(_high));
        var z = -Constants.Sqrt2 * SpecialFunctions.ErfcInv(2 * (a + (probability * (b - a))));
        return Math.Clamp(_mean + (_deviation * z), _low, _high);
    }

    private double Cumulative(double scaled) =>
        SpecialFunctions.Erfc((_mean - scaled) / _deviation / Constants.Sqrt2) / 2;
}
