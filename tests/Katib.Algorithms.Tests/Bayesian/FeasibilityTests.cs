using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Numerics;
using MathNet.Numerics.Distributions;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class FeasibilityTests
{
    private const double Weight = 5;

    [Fact]
    public void It_is_the_weighted_logarithm_of_the_probability_of_a_positive_label()
    {
        var labels = Labels(Models.Scatter(Models.Mixed, 9, seed: 1), Models.Scatter(Models.Mixed, 5, seed: 2));
        var feasibility = new Feasibility(labels);

        foreach (var place in Models.Scatter(Models.Mixed, 20, seed: 3))
        {
            var (mean, variance) = Models.Posterior(labels, [.. place.Coordinates]);
            var probability = Normal.CDF(0, Math.Sqrt(variance + (100 * labels.Hyperparameters.Noise)), mean);

            Assert.Equal(Weight * Math.Log(probability), Log(feasibility, place), 1e-9);
        }
    }

    [Fact]
    public void A_region_that_fails_is_improbable_and_a_region_that_does_not_is_probable()
    {
        var good = Enumerable.Range(0, 20).Select(static i => new Point([0.02 * i, 0.5, 0])).ToArray();
        var bad = Enumerable.Range(0, 20).Select(static i => new Point([0.6 + (0.02 * i), 0.5, 0])).ToArray();

        var feasibility = new Feasibility(Labels(good, bad));

        Assert.InRange(Math.Exp(Log(feasibility, new([0.2, 0.5, 0])) / Weight), 0.99, 1);
        Assert.InRange(Math.Exp(Log(feasibility, new([0.8, 0.5, 0])) / Weight), 0, 0.01);
    }

    [Fact]
    public void Failures_everywhere_leave_it_flat_once_they_are_fitted()
    {
        var all = Models.Scatter(Models.Mixed, 120, seed: 4);
        var labels = Observations.Labels(
            Models.Mixed,
            [.. all.Where(static (_, i) => i % 4 is not 0)],
            [.. all.Where(static (_, i) => i % 4 is 0)]);
        var fit = HyperparameterFit.Run(Models.Mixed, labels, new(), CancellationToken.None);
        var feasibility = new Feasibility(Models.Process(Models.Mixed, labels, fit));

        Assert.All(Models.Scatter(Models.Mixed, 50, seed: 5), p =>
            Assert.InRange(Math.Exp(Log(feasibility, p) / Weight), 0.4, 0.95));
    }

    [Fact]
    public void The_gradient_is_that_of_the_value_and_is_added()
    {
        var feasibility = new Feasibility(
            Labels(Models.Scatter(Models.Mixed, 13, seed: 6), Models.Scatter(Models.Mixed, 7, seed: 7)));

        foreach (var place in Models.Scatter(Models.Mixed, 20, seed: 8))
        {
            var gradients = new Matrix(1, 3);
            (gradients[0, 0], gradients[0, 1], gradients[0, 2]) = (1, 2, 3);
            feasibility.Add(Models.Row([.. place.Coordinates]), 0, 1, new double[1], gradients);
            for (var d = 0; d < 2; d++)
            {
                var slope = Models.Slope(h =>
                {
                    double[] moved = [.. place.Coordinates];
                    moved[d] += h;
                    return Log(feasibility, new([.. moved]));
                });
                Assert.Equal(slope + 1 + d, gradients[0, d], 1e-5 * (1 + Math.Abs(slope)));
            }

            Assert.Equal(3, gradients[0, 2]);
        }
    }

    /// <summary>What it adds to a value of 0.</summary>
    internal static double Log(Feasibility feasibility, Point place)
    {
        var value = new double[1];
        feasibility.Add(Models.Row([.. place.Coordinates]), 0, 1, value, gradients: null);
        return value[0];
    }

    private static GaussianProcess Labels(IReadOnlyList<Point> good, IReadOnlyList<Point> bad) => Models.Process(
        Models.Mixed, Observations.Labels(Models.Mixed, good, bad), Models.Of(1, 1e-5, 0.2, 0.4, 1));
}
