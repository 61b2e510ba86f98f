using MathNet.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>Expected and probable improvement under a normal law, on logarithmic scale.</summary>
/// <remarks>
/// With t the distance of the best from the mean in deviations and h(t) = φ(t) + t Φ(t), the expected improvement is
/// h(t) times the deviation. S. Ament and others, "Unexpected improvements to expected improvement", NeurIPS 2023: only
/// the logarithm has a gradient where the improvement is improbable. For t below -1 all is written with Mills' ratio
/// R(w) = (1 - Φ(w)) / φ(w), w = -t.
/// </remarks>
internal static class Improvement
{
    private const double LogRootTwoPi = 0.918938533204672741780;

    /// <summary>ln h(t), and the ratios Φ/h and φ/h of which its derivatives are made.</summary>
    public static double LogExpected(double t, out double cumulativeRatio, out double densityRatio)
    {
        if (t > -1)
        {
            var density = Math.Exp((-t * t / 2) - LogRootTwoPi);
            var cumulative = SpecialFunctions.Erfc(-t / Constants.Sqrt2) / 2;
            var h = density + (t * cumulative);
            (cumulativeRatio, densityRatio) = (cumulative / h, density / h);
            return Math.Log(h);
        }

        var w = -t;
        var mills = Mills(w);
        var g = 1 - (w * mills);
        if (w > 60)
        {
            var s = 1 / (w * w);
            g = s * (1 - (s * (3 - (s * (15 - (105 * s))))));
        }

        (cumulativeRatio, densityRatio) = (mills / g, 1 / g);
        return (-w * w / 2) - LogRootTwoPi + Math.Log(g);
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

    /// <summary>Mills' ratio for w of at least 1.</summary>
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
}
