using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>How badly hyperparameters explain observations: the negative logarithm of their posterior density.</summary>
/// <remarks>
/// Rasmussen and Williams, equations 5.8 and 5.9, with priors. Up to a constant; the constant mean stands at its optimum,
/// so that it adds nothing to the gradient.
/// </remarks>
internal sealed class MarginalLikelihood(ModelSpace space, Observations observations, Workspace workspace)
{
    private const double MinPivot = 1e-14;

    private readonly MaternKernel _kernel = new(space, Hyperparameters.PriorMode(space.Dimension));
    private readonly double[] _residuals = new double[observations.Count];
    private readonly double[] _weights = new double[observations.Count];

    /// <summary>The value at logarithms of hyperparameters, and its gradient; infinite where there is no covariance.</summary>
    public double Evaluate(ReadOnlySpan<double> logs, Span<double> gradient)
    {
        var n = observations.Count;
        var dimension = space.Dimension;
        var noise = Math.Exp(logs[^1]);
        var (factor, inverse, slopes) = (workspace.Factor, workspace.Inverse, workspace.Slopes);
        var sites = observations.Sites;
        gradient.Clear();
        _kernel.Reset(logs);
        factor.Resize(n, n);
        slopes.Resize(n, n);
        for (var i = 0; i < n; i++)
        {
            var row = factor.Row(i)[..i];
            _kernel.Distances(sites.Units.Row(i), sites.Columns, row);
            _kernel.Covariances(row, slopes.Row(i)[..i]);
            factor[i, i] = _kernel.Signal + (noise * observations.NoiseFactors[i]);
        }

        if (!DenseKernels.TryFactor(factor, 0, n, MinPivot))
        {
            return double.PositiveInfinity;
        }

        inverse.Resize(n, n);
        DenseKernels.Invert(factor, n, inverse);
        var values = observations.Values.AsSpan();
        var mean = GaussianProcess.Solve(inverse, values, _residuals);
        var (fit, logDeterminant, noiseTrace) = (0.0, 0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            fit += (values[i] - mean) * _residuals[i];
            logDeterminant += Math.Log(factor[i, i]);
            noiseTrace += (inverse[i, i] - (_residuals[i] * _residuals[i])) * noise * observations.NoiseFactors[i];
        }

        for (var i = 1; i < n; i++)
        {
            AddRow(i, gradient[..dimension]);
        }

        // K (K⁻¹ - αα') has the trace n - α'Kα, and Kα are the centred values.
        gradient[dimension] += (n - fit - noiseTrace) / 2;
        gradient[dimension + 1] += noiseTrace / 2;
        return (fit / 2) + logDeterminant + (mean * mean / 2) + Hyperparameters.NegativeLogPrior(logs, gradient);
    }

    /// <summary>Row i's part of the gradient by the lengths: Σ W K' δ² / l², where dk/d(log l) = -2 K' δ² / l².</summary>
    private void AddRow(int i, Span<double> gradient)
    {
        var inverse = workspace.Inverse.Row(i)[..i];
        var slopes = workspace.Slopes.Row(i)[..i];
        var weights = _weights.AsSpan(0, i);
        inverse.CopyTo(weights);
        VectorSums.AddScaled(-_residuals[i], _residuals, weights);
        VectorSums.Multiply(slopes, weights);
        var sites = observations.Sites;
        for (var d = 0; d < gradient.Length; d++)
        {
            gradient[d] -= 2 * _kernel.Weights[d] * VectorSums.SquaredDifferences(
                sites.Columns.Row(d)[..i], sites.Units[i, d], weights, _kernel.IsCategorical(d));
        }
    }
}
