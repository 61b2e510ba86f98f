using System.Numerics;
using Katib.Algorithms.Numerics;
using MathNet.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>Expected and probable improvement under a normal law, safe where they are too small for a number.</summary>
/// <remarks>
/// With t the distance of the best from the mean in deviations and h(t) = φ(t) + t Φ(t), the expected improvement is
/// h(t) times the deviation. S. Ament and others, "Unexpected improvements to expected improvement", NeurIPS 2023: only
/// the logarithm has a gradient where the improvement is improbable. For t below 0 all is written with Mills' ratio
/// R(w) = (1 - Φ(w)) / φ(w), w = -t.
/// </remarks>
internal static class Improvement
{
    private const double LogRootTwoPi = 0.918938533204672741780;
    private const double InverseRootTwoPi = 0.398942280401432677940;

    /// <summary>From here on 1 - w R(w) is a difference of nearly equal numbers, and its asymptotic series is exact.</summary>
    private const double FarOut = 60;

    /// <summary>
    /// (1 + w) R(w) as a Chebyshev series in (w - 4) / (w + 4), which brings the half line to [-1,1]. M. Shepherd and
    /// J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc(x)", Math. Comp. 36, 1981.
    /// </summary>
    private static readonly double[] MillsSeries = ChebyshevSeries(24, 4, static w => (1 + w) * Mills(w));

    /// <summary>h, Φ and φ of many numbers, all divided by the same power of e so that the largest are numbers.</summary>
    /// <param name="t">Where; the other spans have room for as many.</param>
    /// <param name="expected">Filled with h.</param>
    /// <param name="cumulative">Filled with Φ.</param>
    /// <param name="density">Filled with φ.</param>
    /// <returns>The exponent, at most 0.</returns>
    public static double Evaluate(
        ReadOnlySpan<double> t, Span<double> expected, Span<double> cumulative, Span<double> density)
    {
        var nearest = double.PositiveInfinity;
        foreach (var number in t)
        {
            nearest = Math.Min(nearest, Math.Max(0, -number));
        }

        var lanes = Vector<double>.Count;
        var i = 0;
        for (; i <= t.Length - lanes; i += lanes)
        {
            Evaluate(new(t[i..]), nearest, out var h, out var below, out var at);
            h.CopyTo(expected[i..]);
            below.CopyTo(cumulative[i..]);
            at.CopyTo(density[i..]);
        }

        if (i < t.Length)
        {
            Span<double> rest = stackalloc double[lanes];
            rest.Fill(t[i]);
            t[i..].CopyTo(rest);
            Evaluate(new(rest), nearest, out var h, out var below, out var at);
            for (var lane = 0; i + lane < t.Length; lane++)
            {
                (expected[i + lane], cumulative[i + lane], density[i + lane]) = (h[lane], below[lane], at[lane]);
            }
        }

        return -nearest * nearest / 2;
    }

    /// <summary>ln Φ(t), and φ/Φ, its derivative.</summary>
    public static double LogProbable(double t, out double slope)
    {
        if (t > -1)
        {
            var cumulative = SpecialFunctions.Erfc(-t / Constants.Sqrt2) / 2;
            slope = Math.Exp((-t * t / 2) - LogRootTwoPi) / cumulative;
            return Math.Log(cumulative);
        }

        var mills = Mills(-t);
        slope = 1 / mills;
        return (-t * t / 2) - LogRootTwoPi + Math.Log(mills);
    }

    private static void Evaluate(
        Vector<double> t,
        double nearest,
        out Vector<double> expected,
        out Vector<double> cumulative,
        out Vector<double> density)
    {
        var w = Vector.Abs(t);
        var mills = Mills(w);
        var square = Vector<double>.One / Vector.Max(w * w, Vector<double>.One);
        var farOut = square * (Vector<double>.One
            - (square * (new Vector<double>(3) - (square * (new Vector<double>(15) - (square * 105))))));
        var isFarOut = Vector.GreaterThan(w, new Vector<double>(FarOut));
        var rest = Vector.ConditionalSelect(isFarOut, farOut, Vector<double>.One - (w * mills));

        // Not a difference of squares, which would lose all digits far out.
        var exponent = (new Vector<double>(nearest) - w) * (new Vector<double>(nearest) + w) * 0.5;
        density = InverseRootTwoPi * DenseKernels.Exp(exponent);
        var tail = density * mills;
        var isAbove = Vector.GreaterThan(t, Vector<double>.Zero);
        cumulative = Vector.ConditionalSelect(isAbove, Vector<double>.One - tail, tail);
        expected = Vector.FusedMultiplyAdd(density, rest, Vector.Max(t, Vector<double>.Zero));
    }

    /// <summary>Mills' ratio for w of at least 0, by Clenshaw's recurrence.</summary>
    private static Vector<double> Mills(Vector<double> w)
    {
        var x = (w - new Vector<double>(4)) / (w + new Vector<double>(4));
        var twice = x + x;
        var (last, beforeLast) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var k = MillsSeries.Length - 1; k > 0; k--)
        {
            (last, beforeLast) =
                (Vector.FusedMultiplyAdd(twice, last, new Vector<double>(MillsSeries[k]) - beforeLast), last);
        }

        return Vector.FusedMultiplyAdd(x, last, new Vector<double>(MillsSeries[0]) - beforeLast) / (w + Vector<double>.One);
    }

    /// <summary>Mills' ratio for w of at least 0.</summary>
    /// <remarks>
    /// Laplace's continued fraction 1/(w + 1/(w + 2/(w + 3/(w + ...)))), taken from the far end; below 4 it converges
    /// slowly, and the complementary error function loses no digits there.
    /// </remarks>
    private static double Mills(double w)
    {
        if (w < 4)
        {
            return Math.Exp((w * w / 2) + LogRootTwoPi) * SpecialFunctions.Erfc(w / Constants.Sqrt2) / 2;
        }

        var terms = w < 8 ? 60 : w < 20 ? 24 : 8;
        var tail = w;
        for (var k = terms; k > 0; k--)
        {
            tail = w + (k / tail);
        }

        return 1 / tail;
    }

    /// <summary>The coefficients of a function on [0,∞) in (w - scale) / (w + scale), the first one halved.</summary>
    private static double[] ChebyshevSeries(int count, double scale, Func<double, double> function)
    {
        const int Nodes = 64;
        var coefficients = new double[count];
        for (var i = 0; i < Nodes; i++)
        {
            var angle = Math.PI * (i + 0.5) / Nodes;
            var x = Math.Cos(angle);
            var value = function(scale * (1 + x) / (1 - x));
            for (var k = 0; k < count; k++)
            {
                coefficients[k] += (k is 0 ? 1.0 : 2.0) / Nodes * value * Math.Cos(k * angle);
            }
        }

        return coefficients;
    }
}
