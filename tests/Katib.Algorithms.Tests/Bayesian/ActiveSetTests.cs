using System.Collections.Immutable;
using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class ActiveSetTests
{
    private static readonly Hyperparameters Fit = Models.Of(1, 1e-3, 0.5, 0.5, 1);

    [Theory]
    [InlineData(500, 10)]
    [InlineData(500, 137)]
    [InlineData(500, 499)]
    [InlineData(3000, 512)]
    [InlineData(1001, 1000)]
    public void So_many_are_kept_in_their_order_the_best_among_them(int count, int max)
    {
        var results = Results(count, seed: 1);

        var active = ActiveSet.Select(Models.Mixed, results, max, Fit);

        Assert.Equal(max, active.Length);
        Assert.Equal(results.Where(active.Contains), active);
        Assert.Contains(results.MinBy(static r => r.Loss), active);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Even_very_few_are_exactly_so_many(int max)
    {
        Assert.Equal(max, ActiveSet.Select(Models.Mixed, Results(50, seed: 5), max, Fit).Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(100)]
    public void What_fits_is_kept_whole(int count)
    {
        var results = Results(count, seed: 2);

        Assert.Equal(results, ActiveSet.Select(Models.Mixed, results, 100, Fit));
    }

    [Fact]
    public void The_same_results_give_the_same_set()
    {
        var results = Results(800, seed: 3);

        Assert.Equal(
            ActiveSet.Select(Models.Mixed, results, 200, Fit), ActiveSet.Select(Models.Mixed, [.. results], 200, Fit));
    }

    [Fact]
    public void Copies_of_one_place_with_one_loss_are_survived()
    {
        var results = Enumerable.Repeat(new Result(new([0.5, 0.5, 1]), 1, false), 300).ToImmutableArray();

        Assert.Equal(100, ActiveSet.Select(Models.Mixed, results, 100, Fit).Length);
    }

    /// <summary>A corner that is bad and far away: a model without it would take it for unknown land.</summary>
    [Fact]
    public void Bad_places_far_away_are_not_forgotten()
    {
        var results = Results(1000, seed: 4)
            .Select(static r => r with { Point = new([r.Point.Coordinates[0] / 4, r.Point.Coordinates[1] / 4, 0]) })
            .Append(new(new([1, 1, 2]), 100, false)).ToImmutableArray();

        Assert.Contains(results[^1], ActiveSet.Select(Models.Mixed, results, 100, Fit));
    }

    private static ImmutableArray<Result> Results(int count, int seed) =>
    [
        .. Models.Scatter(Models.Mixed, count, seed).Select(static (p, i) =>
            new Result(p, Math.Sin(9 * p.Coordinates[0]) + (p.Coordinates[1] * p.Coordinates[2]), i % 7 is 0)),
    ];
}
