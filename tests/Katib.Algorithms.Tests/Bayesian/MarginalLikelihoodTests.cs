using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class MarginalLikelihoodTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void The_gradient_is_that_of_the_value(int seed)
    {
        var space = new ModelSpace(Given.Space(
            Given.Double("a", "0", "1"),
            Given.Categorical("b", "x", "y", "z"),
            Given.Int("c", "1", "1000", "", Distribution.LogUniform),
            Given.Discrete("d", "1", "2", "10"),
            Given.Categorical("e", "u", "v")));
        var dice = new Dice(seed);
        var count = 1 + dice.Below(60);
        var observations = Models.Observe(
            space,
            Models.Scatter(space, count, seed),
            Numerics.Matrices.Random(count, seed + 1000),
            Enumerable.Range(0, count).Select(_ => dice.OneOf(1.0, 4)));
        var likelihood = new MarginalLikelihood(space, observations, new());
        var logs = Numerics.Matrices.Random(space.Dimension + 2, seed + 2000);
        logs[^1] -= 1.5;
        var gradient = new double[logs.Length];

        var value = likelihood.Evaluate(logs, gradient);

        Assert.True(double.IsFinite(value));
        for (var j = 0; j < logs.Length; j++)
        {
            var slope = Models.Slope(h =>
            {
                var moved = logs.ToArray();
                moved[j] += h;
                return likelihood.Evaluate(moved, new double[logs.Length]);
            });
            Assert.Equal(slope, gradient[j], 1e-6 * Math.Max(1, Math.Abs(slope)));
        }
    }

    [Fact]
    public void The_gradient_of_the_prior_is_that_of_its_value()
    {
        var logs = Numerics.Matrices.Random(7, seed: 9);
        var gradient = new double[logs.Length];

        _ = Hyperparameters.NegativeLogPrior(logs, gradient);

        for (var j = 0; j < logs.Length; j++)
        {
            var slope = Models.Slope(h =>
            {
                var moved = logs.ToArray();
                moved[j] += h;
                return Hyperparameters.NegativeLogPrior(moved, new double[logs.Length]);
            });
            Assert.Equal(slope, gradient[j], 1e-8);
        }
    }

    [Fact]
    public void The_gradient_of_the_prior_is_added()
    {
        var (once, twice) = (new double[4], new double[4]);

        _ = Hyperparameters.NegativeLogPrior([0.1, 0.2, 0.3, 0.4], once);
        _ = Hyperparameters.NegativeLogPrior([0.1, 0.2, 0.3, 0.4], twice);
        _ = Hyperparameters.NegativeLogPrior([0.1, 0.2, 0.3, 0.4], twice);

        Assert.Equal(once.Select(static g => 2 * g), twice);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(50)]
    public void The_prior_has_its_mode_inside_the_box(int dimension)
    {
        var (lower, upper) = (new double[dimension + 2], new double[dimension + 2]);
        Hyperparameters.Bounds(dimension, lower, upper);
        var mode = Hyperparameters.PriorMode(dimension).Logs;
        var gradient = new double[dimension + 2];

        _ = Hyperparameters.NegativeLogPrior(mode.AsSpan(), gradient);

        Assert.All(gradient, static g => Assert.Equal(0, g, 1e-12));
        Assert.All(Enumerable.Range(0, mode.Length), i => Assert.InRange(mode[i], lower[i], upper[i]));
    }

    [Fact]
    public void A_matrix_that_is_no_covariance_is_infinitely_improbable()
    {
        var points = Enumerable.Repeat(new Point([0.5]), 3);
        var observations = Models.Observe(Models.Line, points, [0, 1, 2], [1, 1, 1]);

        var value = new MarginalLikelihood(Models.Line, observations, new()).Evaluate([0, 0, -60], new double[3]);

        Assert.Equal(double.PositiveInfinity, value);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_fit_is_no_worse_than_the_prior_and_stands_where_no_step_leads_down(int seed)
    {
        var points = Models.Scatter(Models.Mixed, 30, seed);
        var observations = Models.Observe(
            Models.Mixed,
            points,
            points.Select(static p => Math.Sin(6 * p.Coordinates[0]) + p.Coordinates[2]),
            Enumerable.Repeat(1.0, 30));
        var likelihood = new MarginalLikelihood(Models.Mixed, observations, new());
        var (lower, upper) = (new double[5], new double[5]);
        Hyperparameters.Bounds(3, lower, upper);
        var gradient = new double[5];

        var fit = HyperparameterFit.Run(Models.Mixed, observations, new(), CancellationToken.None);

        var value = likelihood.Evaluate(fit.Logs.AsSpan(), gradient);
        Assert.InRange(
            value,
            double.NegativeInfinity,
            likelihood.Evaluate(Hyperparameters.PriorMode(3).Logs.AsSpan(), new double[5]));
        for (var j = 0; j < gradient.Length; j++)
        {
            Assert.InRange(fit.Logs[j], lower[j], upper[j]);
            var moved = Math.Clamp(fit.Logs[j] - gradient[j], lower[j], upper[j]);
            Assert.Equal(fit.Logs[j], moved, 0.1);
        }
    }
}
