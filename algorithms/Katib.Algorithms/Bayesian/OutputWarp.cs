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
        // A scale on which no difference or square overflows.
        var largest = 0.0;
        foreach (var loss in losses)
        {
            largest = Math.Max(largest, Math.Abs(loss));
        }

        var scale = largest > 1e100 ? 1e-200 : 1;
        for (var i = 0; i < losses.Length; i++)
        {
            losses[i] *= scale;
        }

        if (losses.Length >= MinCount)
        {
            WarpBadHalf(losses);
        }

        Standardize(losses);
    }

    private static void WarpBadHalf(Span<double> losses)
    {
        var unique = losses.ToArray().Distinct().Order().ToArray();
        var median = unique.Length % 2 is 1
            ? unique[unique.Length / 2]
            : (unique[(unique.Length / 2) - 1] + unique[unique.Length / 2]) / 2;
        var good = unique.Count(v => v <= median);
        var deviation = Math.Sqrt(unique.Take(good).Sum(v => (v - median) * (v - median)) / good);
        if (!(deviation > 0))
        {
            return;
        }

        var bad = unique.Length - good;
        for (var i = 0; i < losses.Length; i++)
        {
            if (losses[i] > median)
            {
                var rank = Array.BinarySearch(unique, losses[i]) - good;
                losses[i] = median + (deviation * Normal.InvCDF(0, 1, 0.5 + ((rank + 0.5) / (2.0 * bad))));
            }
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
