using System.Collections.Immutable;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>Models for tests, and the plain ways to ask them.</summary>
internal static class Models
{
    /// <summary>Two continua from 0 to 1, on which coordinates are the model's numbers, and three categories.</summary>
    public static ModelSpace Mixed { get; } = new(Given.Space(
        Given.Double("a", "0", "1"), Given.Double("b", "0", "1"), Given.Categorical("c", "x", "y", "z")));

    /// <summary>One continuum from 0 to 1.</summary>
    public static ModelSpace Line { get; } = new(Given.Space(Given.Double("a", "0", "1")));

    /// <summary>Hyperparameters from lengths, the signal's variance and the noise's.</summary>
    public static Hyperparameters Of(double signal, double noise, params IEnumerable<double> lengths) =>
        new([.. lengths.Select(static l => Math.Log(l)), Math.Log(signal), Math.Log(noise)]);

    /// <summary>Observations as they are, not warped.</summary>
    public static Observations Observe(
        ModelSpace space, IEnumerable<Point> points, IEnumerable<double> values, IEnumerable<double> factors) =>
        new(new(space, [.. points]), [.. values], [.. factors]);

    /// <summary>A process, in memory of its own.</summary>
    public static GaussianProcess Process(ModelSpace space, Observations observations, Hyperparameters hyperparameters)
    {
        var process = GaussianProcess.Given(space, observations, hyperparameters, new());
        Assert.NotNull(process);
        return process;
    }

    /// <summary>Covariances of a place with many.</summary>
    public static double[] Covariances(MaternKernel kernel, double[] unit, Sites sites)
    {
        var row = new double[sites.Count];
        kernel.Distances(unit, sites.Columns, row);
        kernel.Covariances(row);
        return row;
    }

    /// <summary>The posterior of the noise-free function at a place, by its definition.</summary>
    public static (double Mean, double Variance) Posterior(GaussianProcess process, params double[] unit)
    {
        var row = Covariances(process.Kernel, unit, process.Observations.Sites);
        var (mean, variance) = (process.Mean, process.Kernel.Signal);
        for (var i = 0; i < row.Length; i++)
        {
            mean += row[i] * process.Residuals[i];
            for (var j = 0; j < row.Length; j++)
            {
                variance -= row[i] * process.Inverse[i, j] * row[j];
            }
        }

        return (mean, variance);
    }

    /// <summary>The negative logarithm of the likelihood without the prior of the hyperparameters, and its gradient.</summary>
    public static (double Value, double[] Gradient) Likelihood(
        ModelSpace space, Observations observations, Hyperparameters hyperparameters)
    {
        var logs = hyperparameters.Logs.AsSpan();
        var (gradient, ofPrior) = (new double[logs.Length], new double[logs.Length]);
        var value = new MarginalLikelihood(space, observations, new()).Evaluate(logs, gradient)
            - Hyperparameters.NegativeLogPrior(logs, ofPrior);
        return (value, [.. gradient.Zip(ofPrior, static (g, p) => g - p)]);
    }

    /// <summary>Points with even numbers in [0,1) on the model's axes, and random categories.</summary>
    public static ImmutableArray<Point> Scatter(ModelSpace space, int count, int seed)
    {
        var numbers = Tests.Numerics.Matrices.Random(count, space.Dimension, seed);
        return [.. Enumerable.Range(0, count).Select(i => space.Decode(Unit(space, numbers.Row(i))))];
    }

    /// <summary>A place from numbers in [-1,1).</summary>
    public static double[] Unit(ModelSpace space, ReadOnlySpan<double> numbers)
    {
        var unit = new double[space.Dimension];
        for (var d = 0; d < unit.Length; d++)
        {
            var share = (numbers[d] + 1) / 2;
            unit[d] = space.Axes[d].IsCategorical ? Math.Floor(share * space.Axes[d].Levels!.Value) : share;
        }

        return unit;
    }

    /// <summary>One row.</summary>
    public static Matrix Row(params ReadOnlySpan<double> unit)
    {
        var matrix = new Matrix(1, unit.Length);
        unit.CopyTo(matrix.Row(0));
        return matrix;
    }

    /// <summary>
    /// The derivative of a function at 0 from differences over h and 2 h, whose errors of the second order cancel.
    /// </summary>
    public static double Slope(Func<double, double> function, double h = 1e-4) =>
        ((8 * (function(h) - function(-h))) - (function(2 * h) - function(-2 * h))) / (12 * h);
}
