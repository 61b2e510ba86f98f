using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>How probable it is that a trial ends with a loss: a kernel estimate over those that did and did not.</summary>
/// <remarks>
/// (a p̄ + Σ good κ) / (a + Σ all κ) with κ = exp(-2 r²), r in the lengths of the model, a = 1 and p̄ the share of good
/// ones. Failures that come anywhere leave it flat; a region that fails is left.
/// </remarks>
internal sealed class Feasibility
{
    private const double PriorWeight = 1;

    private readonly MaternKernel _kernel;
    private readonly Sites _good;
    private readonly Sites _bad;
    private readonly double _share;
    private readonly double[] _goodWeights;
    private readonly double[] _badWeights;

    public Feasibility(MaternKernel kernel, Sites good, Sites bad)
    {
        (_kernel, _good, _bad) = (kernel, good, bad);
        _share = (good.Count + 1.0) / (good.Count + bad.Count + 1);
        _goodWeights = new double[good.Count];
        _badWeights = new double[bad.Count];
    }

    /// <summary>The logarithm of the probability; adds its derivatives to a gradient, where one is wanted.</summary>
    public double AddLog(ReadOnlySpan<double> unit, Span<double> gradient)
    {
        var good = Weigh(_good, unit, _goodWeights) + (PriorWeight * _share);
        var bad = Weigh(_bad, unit, _badWeights);
        var all = good - (PriorWeight * _share) + bad + PriorWeight;
        for (var d = 0; d < gradient.Length; d++)
        {
            if (!_kernel.IsCategorical(d))
            {
                var toGood = VectorSums.Differences(_good.Columns.Row(d), unit[d], _goodWeights);
                var toBad = VectorSums.Differences(_bad.Columns.Row(d), unit[d], _badWeights);
                gradient[d] += -4 * _kernel.Weights[d] * ((toGood / good) - ((toGood + toBad) / all));
            }
        }

        return Math.Log(good / all);
    }

    private double Weigh(Sites sites, ReadOnlySpan<double> unit, Span<double> weights)
    {
        _kernel.Distances(unit, sites.Columns, weights);
        foreach (ref var weight in weights)
        {
            weight *= -2;
        }

        DenseKernels.Exp(weights, weights);
        var sum = 0.0;
        foreach (var weight in weights)
        {
            sum += weight;
        }

        return sum;
    }
}
