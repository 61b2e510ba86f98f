using System.Collections.Immutable;
using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>Posterior and likelihood against closed forms and against 60 digits.</summary>
public sealed class GaussianProcessTests
{
    private const double Exact = 1e-12;

    [Fact]
    public void One_observation()
    {
        // K = 1 + 1 = 2, mean = (2/2) / (1/2 + 1) = 2/3, residual = (2 - 2/3) / 2 = 2/3.
        var (observations, hyperparameters) = (Line([0.5], [2]), Models.Of(1, 1, 0.3));
        var process = Models.Process(Models.Line, observations, hyperparameters);

        var (mean, variance) = Models.Posterior(process, 0.5);

        Assert.Equal(2.0 / 3, process.Mean, Exact);
        Assert.Equal(2.0 / 3, process.Residuals[0], Exact);
        Assert.Equal(4.0 / 3, mean, Exact);
        Assert.Equal(1.0 / 2, variance, Exact);
        Assert.Equal(
            (2.0 / 3) + (Math.Log(2) / 2), Models.Likelihood(Models.Line, observations, hyperparameters).Value, Exact);
    }

    [Fact]
    public void Two_observations_of_one_place()
    {
        // K = (2 1; 1 2), its inverse (2 -1; -1 2) / 3, mean = (4/3) / (2/3 + 1) = 4/5.
        var (observations, hyperparameters) = (Line([0.5, 0.5], [1, 3]), Models.Of(1, 1, 0.3));
        var process = Models.Process(Models.Line, observations, hyperparameters);

        var (mean, variance) = Models.Posterior(process, 0.5);

        Assert.Equal(4.0 / 5, process.Mean, Exact);
        Assert.Equal(-3.0 / 5, process.Residuals[0], Exact);
        Assert.Equal(7.0 / 5, process.Residuals[1], Exact);
        Assert.Equal(8.0 / 5, mean, Exact);
        Assert.Equal(1.0 / 3, variance, Exact);
        Assert.Equal(
            (9.0 / 5) + (Math.Log(3) / 2), Models.Likelihood(Models.Line, observations, hyperparameters).Value, Exact);
    }

    [Fact]
    public void Two_observations_apart_and_one_of_an_unfinished_run()
    {
        var hyperparameters = Models.Of(2, 0.25, 0.4);
        var observations = Models.Observe(Models.Line, [Point(0.25), Point(0.5)], [1, -1], [1, 4]);
        var process = Models.Process(Models.Line, observations, hyperparameters);
        var (p, q, c) = (2.25, 3.0, Matern(2, 0.25 / 0.4));
        var determinant = (p * q) - (c * c);
        var mu = (q - c - (p - c)) / determinant / (((q - c + (p - c)) / determinant) + 1);
        var (y0, y1) = (1 - mu, -1 - mu);
        var (a0, a1) = (((q * y0) - (c * y1)) / determinant, ((p * y1) - (c * y0)) / determinant);
        var (k0, k1) = (Matern(2, 0.75 / 0.4), Matern(2, 0.5 / 0.4));

        var (mean, variance) = Models.Posterior(process, 1);

        Assert.Equal(mu, process.Mean, Exact);
        Assert.Equal(mu + (k0 * a0) + (k1 * a1), mean, Exact);
        Assert.Equal(2 - (((q * k0 * k0) - (2 * c * k0 * k1) + (p * k1 * k1)) / determinant), variance, Exact);
        Assert.Equal(
            (((y0 * a0) + (y1 * a1)) / 2) + (Math.Log(determinant) / 2) + (mu * mu / 2),
            Models.Likelihood(Models.Line, observations, hyperparameters).Value,
            Exact);
        Assert.Equal(1 - (0.25 * a0), process.MeanAt(0), Exact);
        Assert.Equal(-1 - (0.25 * 4 * a1), process.MeanAt(1), Exact);
    }

    /// <summary>By Cramer's rule.</summary>
    [Fact]
    public void Three_observations_with_categories()
    {
        var hyperparameters = Models.Of(1.5, 0.1, 0.4, 0.8, 1.2);
        ImmutableArray<Point> points = [Point(0.1, 0.2, 0), Point(0.4, 0.9, 1), Point(0.7, 0.3, 1)];
        double[] values = [0.5, -1.25, 2];
        var observations = Models.Observe(Models.Mixed, points, values, [1, 1, 4]);
        var process = Models.Process(Models.Mixed, observations, hyperparameters);
        double[][] k = [.. points.Select((p, i) => points.Select((q, j) => Covariance(p, q)
            + (i != j ? 0 : i is 2 ? 0.4 : 0.1)).ToArray())];
        var place = Point(0.5, 0.5, 0);
        double[] row = [.. points.Select(p => Covariance(p, place))];
        var mu = Solve(k, [1, 1, 1]).Zip(values, static (s, v) => s * v).Sum() / (Solve(k, [1, 1, 1]).Sum() + 1);
        double[] centred = [.. values.Select(v => v - mu)];

        var (mean, variance) = Models.Posterior(process, [.. place.Coordinates]);

        Assert.Equal(mu, process.Mean, Exact);
        Assert.Equal(mu + Dot(row, Solve(k, centred)), mean, Exact);
        Assert.Equal(1.5 - Dot(row, Solve(k, row)), variance, Exact);
        Assert.Equal(
            (Dot(centred, Solve(k, centred)) / 2) + (Math.Log(Determinant(k)) / 2) + (mu * mu / 2),
            Models.Likelihood(Models.Mixed, observations, hyperparameters).Value,
            Exact);

        static double Covariance(Point a, Point b)
        {
            var (x, y) = (a.Coordinates, b.Coordinates);
            var (p, q) = ((x[0] - y[0]) / 0.4, (x[1] - y[1]) / 0.8);
            return Matern(1.5, Math.Sqrt((p * p) + (q * q) + (x[2] == y[2] ? 0 : 1 / (1.2 * 1.2))));
        }
    }

    /// <summary>The constants are those of <c>reference.py</c>: 60 digits, plain inverse, difference quotients.</summary>
    [Fact]
    public void Fifty_observations_against_sixty_digits()
    {
        const double Close = 1e-9;
        var points = Enumerable.Range(0, 50)
            .Select(static i => Point(((37 * i) + 5) % 101 / 101.0, ((61 * i) + 17) % 89 / 89.0, i % 3));
        var values = Enumerable.Range(0, 50)
            .Select(static i => (((13 * i * i) + (7 * i) + 3) % 31 / 10.0) - 1.5);
        var observations = Models.Observe(
            Models.Mixed, points, values, Enumerable.Range(0, 50).Select(static i => i % 7 is 0 ? 4.0 : 1));
        var hyperparameters = new Hyperparameters([-1.2, -0.2, 0.4, 0.5, -7]);
        var process = Models.Process(Models.Mixed, observations, hyperparameters);
        (double[] Place, double Mean, double Variance)[] posteriors =
        [
            ([0.25, 0.75, 0], 0.46867702083639551672, 0.020066891807998878718),
            ([0.5, 0.5, 1], 0.18794730433897913383, 0.00095016683674578774931),
            ([1, 0, 2], -1.5822646644826298565, 0.13974094711833773192),
        ];
        double[] slopes =
        [
            2806.5971710051620699, 254.65746178518591856, 49.218959948379261132, -738.55684537944776627,
            -128.07526082976803839,
        ];

        var (value, gradient) = Models.Likelihood(Models.Mixed, observations, hyperparameters);

        Assert.Equal(0.30859686467308923753, process.Mean, Close);
        Assert.All(posteriors, p =>
        {
            var (mean, variance) = Models.Posterior(process, p.Place);
            Assert.Equal(p.Mean, mean, Close * Math.Abs(p.Mean));
            Assert.Equal(p.Variance, variance, Close * p.Variance);
        });
        Assert.Equal(845.62709249833984725, value, Close * 845);
        Assert.All(slopes.Zip(gradient), static s => Assert.Equal(s.First, s.Second, Close * Math.Abs(s.First)));
    }

    [Fact]
    public void Without_noise_it_passes_through_its_observations()
    {
        double[] values = [.. Enumerable.Range(0, 12).Select(static i => Math.Sin(i))];
        var observations = Models.Observe(
            Models.Mixed, Models.Scatter(Models.Mixed, 12, seed: 1), values, Enumerable.Repeat(1.0, 12));

        var process = Models.Process(Models.Mixed, observations, Models.Of(1, 1e-12, 0.3, 0.3, 1));

        for (var i = 0; i < values.Length; i++)
        {
            var (mean, variance) = Models.Posterior(process, observations.Sites.Units.Row(i).ToArray());
            Assert.Equal(values[i], mean, 1e-9);
            Assert.Equal(0, variance, 1e-9);
            Assert.Equal(values[i], process.MeanAt(i), 1e-9);
        }
    }

    [Fact]
    public void With_noise_the_mean_at_an_observation_is_that_of_the_place()
    {
        var observations = Models.Observe(
            Models.Mixed,
            Models.Scatter(Models.Mixed, 20, seed: 2),
            Enumerable.Range(0, 20).Select(static i => Math.Cos(i)),
            Enumerable.Range(0, 20).Select(static i => i % 3 is 0 ? 4.0 : 1));

        var process = Models.Process(Models.Mixed, observations, Models.Of(1.3, 0.2, 0.3, 0.5, 1));

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(
                Models.Posterior(process, observations.Sites.Units.Row(i).ToArray()).Mean, process.MeanAt(i), 1e-12);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1e-9)]
    public void A_hundred_copies_of_one_place_are_survived(double apart)
    {
        var observations = Models.Observe(
            Models.Line,
            Enumerable.Range(0, 100).Select(i => Point(0.5 + (i * apart))),
            Enumerable.Range(0, 100).Select(static i => (double)i),
            Enumerable.Repeat(1.0, 100));

        var process = Models.Process(Models.Line, observations, Models.Of(1, 1e-16, 0.5));

        Assert.True(double.IsFinite(process.Mean));
        Assert.All(process.Residuals, static r => Assert.True(double.IsFinite(r)));
    }

    [Fact]
    public void The_best_are_those_with_the_smallest_means()
    {
        var process = Models.Process(Models.Line, Line([0, 0.2, 0.4, 0.6, 0.8, 1], [3, 1, 2, -1, 0, 5]), Models.Of(1, 1e-6, 0.1));

        Assert.Equal([3, 4, 1], process.Best(3));
        Assert.Equal(6, process.Best(100).Length);
    }

    private static double Matern(double signal, double r)
    {
        var a = Math.Sqrt(5) * r;
        return signal * (1 + a + (a * a / 3)) * Math.Exp(-a);
    }

    private static Observations Line(double[] places, double[] values) => Models.Observe(
        Models.Line, places.Select(static p => Point(p)), values, Enumerable.Repeat(1.0, values.Length));

    private static Point Point(params double[] coordinates) => new([.. coordinates]);

    private static double Dot(double[] a, double[] b) => a.Zip(b, static (x, y) => x * y).Sum();

    private static double[] Solve(double[][] k, double[] right) =>
    [
        .. Enumerable.Range(0, 3).Select(column => Determinant(
            [.. k.Select((row, i) => row.Select((e, j) => j == column ? right[i] : e).ToArray())]) / Determinant(k)),
    ];

    private static double Determinant(double[][] k) =>
        (k[0][0] * ((k[1][1] * k[2][2]) - (k[1][2] * k[2][1])))
        - (k[0][1] * ((k[1][0] * k[2][2]) - (k[1][2] * k[2][0])))
        + (k[0][2] * ((k[1][0] * k[2][1]) - (k[1][1] * k[2][0])));
}
