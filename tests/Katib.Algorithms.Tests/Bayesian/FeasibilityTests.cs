using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class FeasibilityTests
{
    private static readonly MaternKernel Kernel = new(Models.Mixed, Models.Of(1, 1e-3, 0.2, 0.4, 1));

    [Fact]
    public void It_is_a_probability_by_its_definition()
    {
        var (good, bad) = (Models.Scatter(Models.Mixed, 9, seed: 1), Models.Scatter(Models.Mixed, 5, seed: 2));
        var feasibility = new Feasibility(Kernel, new(Models.Mixed, good), new(Models.Mixed, bad));

        foreach (var place in Models.Scatter(Models.Mixed, 20, seed: 3))
        {
            var ok = good.Sum(p => Weight(p, place)) + (10.0 / 15);
            var all = good.Sum(p => Weight(p, place)) + bad.Sum(p => Weight(p, place)) + 1;
            Assert.Equal(Math.Log(ok / all), feasibility.AddLog(place.Coordinates.AsSpan(), []), 1e-13);
        }

        static double Weight(Point a, Point b)
        {
            var (x, y) = (a.Coordinates, b.Coordinates);
            var (p, q) = ((x[0] - y[0]) / 0.2, (x[1] - y[1]) / 0.4);
            return Math.Exp(-2 * ((p * p) + (q * q) + (x[2] == y[2] ? 0 : 1)));
        }
    }

    [Fact]
    public void A_region_that_fails_is_improbable_and_a_region_that_does_not_is_probable()
    {
        var good = Enumerable.Range(0, 20).Select(static i => new Point([0.02 * i, 0.5, 0])).ToArray();
        var bad = Enumerable.Range(0, 20).Select(static i => new Point([0.6 + (0.02 * i), 0.5, 0])).ToArray();

        var feasibility = new Feasibility(Kernel, new(Models.Mixed, good), new(Models.Mixed, bad));

        Assert.InRange(Math.Exp(feasibility.AddLog([0.2, 0.5, 0], [])), 0.9, 1);
        Assert.InRange(Math.Exp(feasibility.AddLog([0.8, 0.5, 0], [])), 0, 0.1);
    }

    [Fact]
    public void Failures_everywhere_leave_it_flat()
    {
        var all = Models.Scatter(Models.Mixed, 400, seed: 4);
        var good = all.Where(static (_, i) => i % 4 is not 0).ToArray();
        var bad = all.Where(static (_, i) => i % 4 is 0).ToArray();
        var feasibility = new Feasibility(
            new(Models.Mixed, Models.Of(1, 1e-3, 1, 1, 1)), new(Models.Mixed, good), new(Models.Mixed, bad));

        Assert.All(Models.Scatter(Models.Mixed, 50, seed: 5), p =>
            Assert.InRange(Math.Exp(feasibility.AddLog(p.Coordinates.AsSpan(), [])), 0.6, 0.9));
    }

    [Fact]
    public void The_gradient_is_that_of_the_value_and_is_added()
    {
        var feasibility = new Feasibility(
            Kernel,
            new(Models.Mixed, Models.Scatter(Models.Mixed, 13, seed: 6)),
            new(Models.Mixed, Models.Scatter(Models.Mixed, 7, seed: 7)));

        foreach (var place in Models.Scatter(Models.Mixed, 20, seed: 8))
        {
            double[] gradient = [1, 2, 3];
            _ = feasibility.AddLog(place.Coordinates.AsSpan(), gradient);
            for (var d = 0; d < 2; d++)
            {
                var slope = Models.Slope(h =>
                {
                    double[] moved = [.. place.Coordinates];
                    moved[d] += h;
                    return feasibility.AddLog(moved, []);
                });
                Assert.Equal(slope + 1 + d, gradient[d], 1e-7);
            }

            Assert.Equal(3, gradient[2]);
        }
    }
}
