using MathNet.Numerics.Distributions;

namespace Katib.Algorithms.Bayesian;

/// <summary>Losses made fit for a Gaussian process: the good half is kept, the bad half goes by rank.</summary>
/// <remarks>
/// How bad a bad point is tells little about where the good ones lie, but a loss that runs over orders of magnitude
/// leaves nothing of the differences among the good. D. Golovin and others use it in Vizier (KDD 2017 and
/// arXiv:2408.11527, half-rank warping). It is monotone, so that the best stays the best.
/// </remarks>
internal static class OutputWarp
{
    private const int MinCount = 4;
    private const double MinDeviation = 1e-12;

    /// <summary>Warps finite losses in place, to mean 0 and deviation 1; to all zeros when they do not differ.</summary>
    public static void Apply(Span<double> losses)
    {
        var unique = losses.ToArray().Distinct().Order().ToArray();
        if (unique.Length < 2)
        {
            losses.Clear();
            return;
        }

        if (losses.Length < MinCount)
        {
            var exponent = Exponent(unique[0], unique[^1]);
            foreach (ref var loss in losses)
            {
                loss = Math.ScaleB(loss, -exponent);
            }
        }
        else
        {
            WarpBadHalf(losses, unique);
        }

        Standardize(losses);
    }

    /// <summary>The power of two by which both numbers come to lie in [-2,2].</summary>
    private static int Exponent(double x, double y) => Math.ILogB(Math.Max(Math.Abs(x), Math.Abs(y)));

    /// <remarks>
    /// On the scale of the good half, so that none of its squares over- or underflows, however large the worst are.
    /// </remarks>
    private static void WarpBadHalf(Span<double> losses, double[] unique)
    {
        var (good, bad) = ((unique.Length + 1) / 2, unique.Length / 2);
        var exponent = Exponent(unique[0], unique[bad]);
        var median = (Math.ScaleB(unique[good - 1], -exponent) + Math.ScaleB(unique[bad], -exponent)) / 2;
        var squares = 0.0;
        foreach (var value in unique.AsSpan(0, good))
        {
            var difference = Math.ScaleB(value, -exponent) - median;
            squares += difference * difference;
        }

        var deviation = Math.Sqrt(squares / good);
        foreach (ref var loss in losses)
        {
            var rank = Array.BinarySearch(unique, loss) - good;
            loss = rank < 0
                ? Math.ScaleB(loss, -exponent)
                : median + (deviation * Normal.InvCDF(0, 1, 0.5 + ((rank + 0.5) / (2.0 * bad))));
        }
    }

    private static void Standardize(Span<double> losses)
    {
        var mean = 0.0;
        for (var i = 0; i < losses.Length; i++)
        {
            mean += (losses[i] - mean) / (i + 1);
        }

        var squares = 0.0;
        foreach (var loss in losses)
        {
            squares += (loss - mean) * (loss - mean);
        }

        var deviation = Math.Sqrt(squares / losses.Length);
        for (var i = 0; i < losses.Length; i++)
        {
            losses[i] = deviation > MinDeviation * Math.Abs(mean) && deviation > 0 ? (losses[i] - mean) / deviation : 0;
        }
    }
}
