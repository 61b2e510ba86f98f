using System.Collections.Immutable;
using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>A Gaussian process given observations: means and variances anywhere.</summary>
/// <remarks>
/// Rasmussen and Williams, algorithm 2.1. The constant mean has a standard normal prior and stands at its optimum,
/// 1'K⁻¹y / (1'K⁻¹1 + 1). The inverse is kept beside the factor: a product with it is faster than two substitutions.
/// </remarks>
internal sealed class GaussianProcess
{
    private const double MinPivot = 1e-14;
    private const double FirstJitter = 1e-8;
    private const int MaxJitters = 7;

    private GaussianProcess(
        Observations observations, Hyperparameters hyperparameters, MaternKernel kernel, Matrix inverse)
    {
        Observations = observations;
        Hyperparameters = hyperparameters;
        Kernel = kernel;
        Inverse = inverse;
        Residuals = new double[observations.Count];
        Mean = Solve(inverse, observations.Values.AsSpan(), Residuals);
    }

    public Observations Observations { get; }

    public Hyperparameters Hyperparameters { get; }

    public MaternKernel Kernel { get; }

    /// <summary>The inverse of the covariance of the observations, noise included.</summary>
    public Matrix Inverse { get; }

    /// <summary>The constant mean.</summary>
    public double Mean { get; }

    /// <summary>The inverse times the observations less their mean.</summary>
    public double[] Residuals { get; }

    /// <summary>Conditions on observations; null when their covariance is no covariance even with jitter.</summary>
    public static GaussianProcess? Given(
        ModelSpace space, Observations observations, Hyperparameters hyperparameters, Workspace workspace)
    {
        var kernel = new MaternKernel(space, hyperparameters);
        var n = observations.Count;
        var factor = workspace.Factor;
        factor.Resize(n, n);
        for (var attempt = 0; attempt < MaxJitters; attempt++)
        {
            var jitter = attempt is 0 ? 0 : kernel.Signal * FirstJitter * Math.Pow(10, attempt - 1);
            for (var i = 0; i < n; i++)
            {
                var row = factor.Row(i)[..i];
                kernel.Distances(observations.Sites.Units.Row(i), observations.Sites.Columns, row);
                kernel.Covariances(row);
                factor[i, i] = kernel.Signal + (hyperparameters.Noise * observations.NoiseFactors[i]) + jitter;
            }

            if (DenseKernels.TryFactor(factor, 0, n, MinPivot))
            {
                workspace.Inverse.Resize(n, n);
                DenseKernels.Invert(factor, n, workspace.Inverse);
                return new(observations, hyperparameters, kernel, workspace.Inverse);
            }
        }

        return null;
    }

    /// <summary>The mean at observation number <paramref name="index"/>, without its noise.</summary>
    public double MeanAt(int index) =>
        Observations.Values[index]
        - (Hyperparameters.Noise * Observations.NoiseFactors[index] * Residuals[index]);

    /// <summary>The means at other places.</summary>
    public double[] MeansAt(Sites sites)
    {
        var means = new double[sites.Count];
        var row = new double[Observations.Count];
        for (var i = 0; i < means.Length; i++)
        {
            Kernel.Distances(sites.Units.Row(i), Observations.Sites.Columns, row);
            Kernel.Covariances(row);
            means[i] = Mean + DenseKernels.Dot(row, Residuals);
        }

        return means;
    }

    /// <summary>The observations with the smallest means, the smallest first.</summary>
    public ImmutableArray<int> Best(int count) =>
        [.. Enumerable.Range(0, Observations.Count).OrderBy(MeanAt).Take(count)];

    /// <summary>The same among those that have a category; among all of them where none has, or without one.</summary>
    public ImmutableArray<int> Best(int count, Category? category)
    {
        if (category is not { } wanted)
        {
            return Best(count);
        }

        var own = Best(Observations.Count).RemoveAll(i => !wanted.Has(Observations.Sites.Units.Row(i)));
        return own.IsEmpty ? Best(count) : [.. own.Take(count)];
    }

    /// <summary>The optimal constant mean; fills in the inverse times the values less it.</summary>
    public static double Solve(Matrix inverse, ReadOnlySpan<double> values, Span<double> residuals)
    {
        var (ones, products) = (0.0, 0.0);
        var all = new double[values.Length];
        var sums = new double[values.Length];
        all.AsSpan().Fill(1);
        for (var i = 0; i < values.Length; i++)
        {
            var row = inverse.Row(i);
            residuals[i] = DenseKernels.Dot(row, values);
            sums[i] = DenseKernels.Dot(row, all);
            products += residuals[i];
            ones += sums[i];
        }

        var mean = products / (ones + 1);
        for (var i = 0; i < values.Length; i++)
        {
            residuals[i] -= mean * sums[i];
        }

        return mean;
    }
}

/// <summary>Memory of the large matrices, used again from call to call.</summary>
internal sealed class Workspace
{
    /// <summary>Up to so many observations the matrices are small.</summary>
    private const int Small = 256;

    /// <summary>
    /// Takes at once what a long history will need: matrices that grow by a row at each call would leave as many behind.
    /// Memory that is not written to yet costs nothing.
    /// </summary>
    public void Reserve(int observations, int most)
    {
        if (observations > Small)
        {
            Factor.Reserve(most, most);
            Inverse.Reserve(most, most);
        }
    }

    /// <summary>A covariance, and then its factor.</summary>
    public Matrix Factor { get; } = new(0, 0);

    /// <summary>A covariance's inverse.</summary>
    public Matrix Inverse { get; } = new(0, 0);

    /// <summary>Derivatives of a covariance by the squared distances.</summary>
    public Matrix Slopes { get; } = new(0, 0);

    /// <summary>Covariances of points that are judged together with the observations.</summary>
    public Matrix Rows { get; } = new(0, 0);

    /// <summary>Their derivatives by the squared distances.</summary>
    public Matrix RowSlopes { get; } = new(0, 0);

    /// <summary>Their products with the inverse.</summary>
    public Matrix Products { get; } = new(0, 0);
}
