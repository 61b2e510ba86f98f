using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>How probable it is that a trial ends with a loss: a Gaussian process of its own, of the labels 1 and -1.</summary>
/// <remarks>
/// Least-squares classification: Rasmussen and Williams, section 6.5, with the probability Φ(m / √(v + noise)). It has
/// lengths of its own, for what decides whether a trial fails need not be what decides how good it is. Failures that come
/// anywhere are noise, and leave it flat; a region that fails is left, but for its uncertain border.
/// </remarks>
internal sealed class Feasibility(GaussianProcess labels)
{
    private const double MinVariance = 1e-10;

    /// <summary>
    /// How many times the logarithm counts. Once is not enough where little is left to gain: then the untried space behind
    /// a border looks best, however improbable a loss is there.
    /// </summary>
    private const double Weight = 5;

    private readonly double _noise = labels.Hyperparameters.Noise * labels.Observations.NoiseFactors[0];
    private readonly Matrix _rows = new(0, 0);
    private readonly Matrix _slopes = new(0, 0);
    private readonly Matrix _products = new(0, 0);
    private readonly double[] _weights = new double[labels.Observations.Count];

    /// <summary>Adds the weighted logarithms of the probabilities to values, and their derivatives to gradients if there are any.</summary>
    public void Add(Matrix units, int start, int count, Span<double> values, Matrix? gradients)
    {
        var sites = labels.Observations.Sites;
        var n = sites.Count;
        _rows.Resize(count, n);
        _slopes.Resize(gradients is null ? 0 : count, n);
        _products.Resize(count, n);
        for (var i = 0; i < count; i++)
        {
            var row = _rows.Row(i);
            labels.Kernel.Distances(units.Row(start + i), sites.Columns, row);
            labels.Kernel.Covariances(row, gradients is null ? [] : _slopes.Row(i));
        }

        DenseKernels.MultiplyTransposed(_rows, count, labels.Inverse, n, n, _products);
        for (var i = 0; i < count; i++)
        {
            values[start + i] += AddLog(units.Row(start + i), i, gradients is null ? [] : gradients.Row(start + i));
        }
    }

    private double AddLog(ReadOnlySpan<double> unit, int i, Span<double> gradient)
    {
        var row = _rows.Row(i);
        var product = _products.Row(i);
        var signal = labels.Kernel.Signal;
        var mean = labels.Mean + DenseKernels.Dot(row, labels.Residuals);
        var variance = signal - DenseKernels.Dot(row, product);
        var isClamped = !(variance > MinVariance * signal);
        var total = (isClamped ? MinVariance * signal : variance) + _noise;
        var deviation = Math.Sqrt(total);
        var value = Weight * Improvement.LogProbable(mean / deviation, out var slope);
        slope *= Weight;
        if (gradient.IsEmpty)
        {
            return value;
        }

        _weights.AsSpan().Clear();
        VectorSums.AddScaled(slope / deviation, labels.Residuals, _weights);
        if (!isClamped)
        {
            VectorSums.AddScaled(slope * mean / (deviation * total), product, _weights);
        }

        VectorSums.Multiply(_slopes.Row(i), _weights);
        for (var d = 0; d < gradient.Length; d++)
        {
            if (!labels.Kernel.IsCategorical(d))
            {
                gradient[d] += 2 * labels.Kernel.Weights[d]
                    * VectorSums.Differences(labels.Observations.Sites.Columns.Row(d), unit[d], _weights);
            }
        }

        return value;
    }
}
