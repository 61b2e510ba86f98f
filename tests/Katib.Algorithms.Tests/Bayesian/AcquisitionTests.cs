using System.Collections.Immutable;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class AcquisitionTests
{
    private const int Samples = 16;

    /// <summary>All kinds of axes, one of them with a belief: a normal distribution.</summary>
    private static readonly ModelSpace Space = new(Given.Space(
        Given.Double("a", "0", "1"),
        Given.Categorical("b", "x", "y", "z"),
        Given.Double("c", "0", "1", "", Distribution.Normal),
        Given.Int("d", "1", "1000"),
        Given.Discrete("e", "1", "2", "4")));

    private static readonly Hyperparameters Fit = Models.Of(1.4, 0.01, 0.4, 1.5, 0.6, 0.8, 1.1);

    /// <summary>Which kind, how many open points, whether trials failed, the weight of the belief.</summary>
    public static TheoryData<string, int, bool, double> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, bool, double>();
            foreach (var kind in Enum.GetNames<AcquisitionKind>())
            {
                foreach (var open in (int[])[0, 1, 5])
                {
                    cases.Add(kind, open, false, 0);
                    cases.Add(kind, open, true, 0.3);
                }
            }

            return cases;
        }
    }

    public static TheoryData<string> Kinds => [.. Enum.GetNames<AcquisitionKind>()];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_gradient_is_that_of_the_value(string kind, int open, bool failures, double belief)
    {
        var acquisition = Acquire(Process(25), kind, open, failures, belief);
        var places = Models.Scatter(Space, 12, seed: 100);

        foreach (var unit in places.Select(Unit))
        {
            var gradients = new Matrix(1, Space.Dimension);
            var value = new double[1];
            acquisition.Evaluate(Models.Row(unit), value, gradients);
            for (var d = 0; d < Space.Dimension; d++)
            {
                var slope = Space.Axes[d].IsCategorical ? 0 : Models.Slope(h =>
                {
                    var moved = unit.ToArray();
                    moved[d] += h;
                    return Value(acquisition, moved);
                });
                Assert.Equal(slope, gradients[0, d], 1e-6 * Math.Max(1, Math.Abs(slope)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_do_not_depend_on_the_batch_nor_on_whether_gradients_are_asked_for(
        string kind, int open, bool failures, double belief)
    {
        var acquisition = Acquire(Process(25), kind, open, failures, belief);
        var units = new Matrix(300, Space.Dimension);
        foreach (var (unit, i) in Models.Scatter(Space, 300, seed: 101).Select(Unit).Select(static (u, i) => (u, i)))
        {
            unit.CopyTo(units.Row(i));
        }

        var (together, withGradients) = (new double[300], new double[300]);
        acquisition.Evaluate(units, together);
        acquisition.Evaluate(units, withGradients, new(300, Space.Dimension));
        var alone = Enumerable.Range(0, 300).Select(i => Value(acquisition, units.Row(i).ToArray())).ToArray();

        Assert.Equal(Numerics.Matrices.Bits(together), Numerics.Matrices.Bits(alone));
        Assert.Equal(Numerics.Matrices.Bits(together), Numerics.Matrices.Bits(withGradients));
    }

    [Fact]
    public void With_nothing_open_the_improvement_is_that_over_the_least_posterior_mean()
    {
        var process = Process(25);
        var least = Enumerable.Range(0, 25).Min(process.MeanAt);
        var expected = Acquire(process, nameof(AcquisitionKind.ExpectedImprovement), 0);
        var probable = Acquire(process, nameof(AcquisitionKind.ProbabilityOfImprovement), 0);

        foreach (var unit in Models.Scatter(Space, 20, seed: 102).Select(Unit))
        {
            var (mean, variance) = Models.Posterior(process, unit);
            var deviation = Math.Sqrt(variance);
            var t = (least - mean) / deviation;
            Assert.Equal(
                ImprovementTests.LogExpected(t, out _, out _) + Math.Log(deviation), Value(expected, unit), 1e-9);
            Assert.Equal(Improvement.LogProbable(t, out _), Value(probable, unit), 1e-9);
        }
    }

    [Fact]
    public void The_confidence_bound_lies_the_same_number_of_deviations_below_the_mean_everywhere()
    {
        var process = Process(25);
        var bound = Acquire(process, nameof(AcquisitionKind.LowerConfidenceBound), 0);

        var deviations = Models.Scatter(Space, 20, seed: 103).Select(Unit).Select(unit =>
        {
            var (mean, variance) = Models.Posterior(process, unit);
            return (Value(bound, unit) + mean) / Math.Sqrt(variance);
        }).ToArray();

        Assert.InRange(deviations[0], 0.1, 10);
        Assert.All(deviations, d => Assert.Equal(deviations[0], d, 1e-8));
    }

    /// <summary>
    /// Every sample is a world of its own: a process that knows the sampled losses, computed from scratch.
    /// </summary>
    [Theory]
    [InlineData(nameof(AcquisitionKind.ExpectedImprovement), 1)]
    [InlineData(nameof(AcquisitionKind.ExpectedImprovement), 4)]
    [InlineData(nameof(AcquisitionKind.ProbabilityOfImprovement), 4)]
    public void With_open_points_the_improvement_is_the_mean_over_sampled_worlds(string kind, int open)
    {
        const double Jitter = 1e-9;
        var process = Process(15);
        var places = Models.Scatter(Space, open, seed: 104);
        var normals = Numerics.Matrices.Random(open, Samples, seed: 105);
        var acquisition = new Acquisition(
            Space, process, Enum.Parse<AcquisitionKind>(kind), null, new(Space, places), normals, 0, new());
        var (means, covariance) = Joint(process, [.. places.Select(Unit)]);
        var factor = Cholesky(covariance, Jitter * process.Kernel.Signal);

        foreach (var unit in Models.Scatter(Space, 10, seed: 106).Select(Unit))
        {
            var (all, joint) = Joint(process, [.. places.Select(Unit), unit]);
            var gains = Solve(factor, [.. Enumerable.Range(0, open).Select(b => joint[open][b])]);
            var deviation = Math.Sqrt(joint[open][open] - gains.Sum(static g => g * g));
            var sum = 0.0;
            for (var s = 0; s < Samples; s++)
            {
                var z = Enumerable.Range(0, open).Select(b => normals[b, s]).ToArray();
                var sampled = means.Select((m, b) => m + factor[b].Take(b + 1).Zip(z, static (l, x) => l * x).Sum());
                var t = (sampled.Min() - all[open] - gains.Zip(z, static (g, x) => g * x).Sum()) / deviation;
                sum += kind is nameof(AcquisitionKind.ProbabilityOfImprovement)
                    ? Math.Exp(Improvement.LogProbable(t, out _))
                    : Math.Exp(ImprovementTests.LogExpected(t, out _, out _)) * deviation;
            }

            Assert.Equal(Math.Log(sum / Samples), Value(acquisition, unit), 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void In_every_sample_the_loss_at_an_open_point_is_known(string kind)
    {
        var process = Process(10);
        var place = Models.Scatter(Space, 1, seed: 107);
        var unit = Unit(place[0]);
        var before = Acquire(process, kind, 0);
        var (mean, variance) = Models.Posterior(process, unit);

        var after = new Acquisition(
            Space, process, Enum.Parse<AcquisitionKind>(kind), null, new(Space, place),
            Numerics.Matrices.Random(1, Samples, seed: 108), 0, new());

        if (kind is nameof(AcquisitionKind.LowerConfidenceBound))
        {
            // The deviation is what the bound adds to the mean: that of the open point is next to none.
            var (had, has) = (Value(before, unit) + mean, Value(after, unit) + mean);
            Assert.InRange(has * has / (had * had), 0, 1e-6 * process.Kernel.Signal / variance);
        }
        else if (kind is nameof(AcquisitionKind.ProbabilityOfImprovement))
        {
            // Where it is the best itself, by however little: a coin decides.
            Assert.InRange(Math.Exp(Value(after, unit)), 0.4, 0.5 + 1e-4);
        }
        else
        {
            Assert.InRange(Value(after, unit), double.NegativeInfinity, Value(before, unit) - 2);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Open_points_that_coincide_or_are_observed_are_survived(string kind)
    {
        var process = Process(10);
        var observed = Models.Scatter(Space, 10, seed: 1);
        var open = Enumerable.Repeat(Models.Scatter(Space, 1, seed: 109)[0], 5).Append(observed[0]).Append(observed[0]);

        var acquisition = new Acquisition(
            Space, process, Enum.Parse<AcquisitionKind>(kind), null, new(Space, [.. open]),
            Numerics.Matrices.Random(7, Samples, seed: 110), 0, new());

        Assert.All(Models.Scatter(Space, 50, seed: 111).AddRange(open), p =>
        {
            var gradients = new Matrix(1, Space.Dimension);
            var value = new double[1];
            acquisition.Evaluate(Models.Row(Unit(p)), value, gradients);
            Assert.True(double.IsFinite(value[0]));
            Assert.All(gradients.Row(0).ToArray(), static g => Assert.True(double.IsFinite(g)));
        });
    }

    [Fact]
    public void A_belief_draws_to_the_middle_of_normal_parameters_alone()
    {
        var process = Process(25);
        var without = Acquire(process, nameof(AcquisitionKind.ExpectedImprovement), 0);
        var with = Acquire(process, nameof(AcquisitionKind.ExpectedImprovement), 0, belief: 0.5);

        // ln of a normal density with deviation 1/6: -18 (u - 1/2)².
        Assert.All(Models.Scatter(Space, 20, seed: 112).Select(Unit), unit => Assert.Equal(
            0.5 * -18 * (unit[2] - 0.5) * (unit[2] - 0.5), Value(with, unit) - Value(without, unit), 1e-10));
    }

    [Fact]
    public void Feasibility_is_a_factor()
    {
        var process = Process(25);
        var feasibility = Feasibility();
        var without = Acquire(process, nameof(AcquisitionKind.ExpectedImprovement), 3);
        var with = Acquire(process, nameof(AcquisitionKind.ExpectedImprovement), 3, failures: true);

        Assert.All(Models.Scatter(Space, 20, seed: 113).Select(Unit), unit =>
        {
            var added = new double[1];
            feasibility.Add(Models.Row(unit), 0, 1, added, gradients: null);
            Assert.Equal(added[0], Value(with, unit) - Value(without, unit), 1e-10);
        });
    }

    private static double[] Unit(Point point)
    {
        var unit = new double[Space.Dimension];
        Space.Encode(point, unit);
        return unit;
    }

    private static double Value(Acquisition acquisition, double[] unit)
    {
        var value = new double[1];
        acquisition.Evaluate(Models.Row(unit), value);
        return value[0];
    }

    private static GaussianProcess Process(int count)
    {
        var points = Models.Scatter(Space, count, seed: 1);
        var observations = Models.Observe(
            Space,
            points,
            points.Select(static p => Math.Sin(5 * p.Coordinates[0]) + (p.Coordinates[1] / 2) - p.Coordinates[2]),
            Enumerable.Range(0, count).Select(static i => i % 5 is 0 ? 4.0 : 1));
        return Models.Process(Space, observations, Fit);
    }

    private static Feasibility Feasibility() => new(Models.Process(
        Space,
        Observations.Labels(Space, Models.Scatter(Space, 25, seed: 1), Models.Scatter(Space, 6, seed: 2)),
        Fit));

    private static Acquisition Acquire(
        GaussianProcess process, string kind, int open, bool failures = false, double belief = 0) => new(
        Space,
        process,
        Enum.Parse<AcquisitionKind>(kind),
        failures ? Feasibility() : null,
        new(Space, Models.Scatter(Space, open, seed: 3)),
        Numerics.Matrices.Random(open, open is 0 ? 0 : Samples, seed: 4),
        belief,
        new());

    /// <summary>Means and covariances of the noise-free function at places, by their definition.</summary>
    private static (double[] Means, double[][] Covariance) Joint(GaussianProcess process, ImmutableArray<double[]> units)
    {
        var points = new Sites(Space, [.. units.Select(static u => Space.Decode(u))]);
        var rows = units.Select(u => Models.Covariances(process.Kernel, u, process.Observations.Sites)).ToArray();
        var gains = rows.Select(row => Enumerable.Range(0, row.Length)
            .Select(i => Enumerable.Range(0, row.Length).Sum(j => process.Inverse[i, j] * row[j])).ToArray()).ToArray();
        return (
            [.. units.Select(u => Models.Posterior(process, u).Mean)],
            [.. units.Select((u, i) => Models.Covariances(process.Kernel, u, points)
                .Select((c, j) => c - rows[j].Zip(gains[i], static (x, y) => x * y).Sum()).ToArray())]);
    }

    private static double[][] Cholesky(double[][] covariance, double jitter)
    {
        var factor = covariance.Select(static row => new double[row.Length]).ToArray();
        for (var i = 0; i < factor.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var rest = covariance[i][j] + (i == j ? jitter : 0);
                rest -= Enumerable.Range(0, j).Sum(k => factor[i][k] * factor[j][k]);
                factor[i][j] = i == j ? Math.Sqrt(rest) : rest / factor[j][j];
            }
        }

        return factor;
    }

    private static double[] Solve(double[][] factor, double[] right)
    {
        var x = new double[right.Length];
        for (var i = 0; i < x.Length; i++)
        {
            x[i] = (right[i] - Enumerable.Range(0, i).Sum(k => factor[i][k] * x[k])) / factor[i][i];
        }

        return x;
    }
}
