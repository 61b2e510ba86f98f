using System.Collections.Immutable;

namespace Katib.Algorithms.Bayesian;

/// <summary>The results that a model of bounded size learns from.</summary>
/// <remarks>
/// Three tenths are the best ones, four tenths those nearest to the three best places that lie apart, and the rest is
/// spread as far as possible, so that the model knows where nothing good was found.
/// </remarks>
internal static class ActiveSet
{
    private const double BestShare = 0.3;
    private const double NearShare = 0.4;
    private const int Centers = 3;
    private const double Apart = 0.3;

    /// <summary>Of a history that is longer still only so many are looked at, for the sake of memory.</summary>
    private const int MaxConsidered = 5000;

    /// <summary>At most so many of the results, in their order.</summary>
    public static ImmutableArray<Result> Select(
        ModelSpace space, ImmutableArray<Result> results, int max, Hyperparameters hyperparameters)
    {
        if (results.Length <= max)
        {
            return results;
        }

        results = Thin(results);

        var kernel = new MaternKernel(space, hyperparameters);
        var sites = new Sites(space, [.. results.Select(static r => r.Point)]);
        var byLoss = Enumerable.Range(0, results.Length).OrderBy(i => results[i].Loss).ToArray();
        var chosen = new bool[results.Length];
        foreach (var i in byLoss.Take((int)(BestShare * max)))
        {
            chosen[i] = true;
        }

        var distances = new double[results.Length];
        var nearest = new double[results.Length];
        Array.Fill(nearest, double.PositiveInfinity);
        var centers = 0;
        foreach (var i in byLoss)
        {
            if (centers < Centers && (centers is 0 || nearest[i] > Apart * Apart))
            {
                Shorten(i);
                centers++;
            }
        }

        foreach (var i in Enumerable.Range(0, results.Length).Where(i => !chosen[i]).OrderBy(i => nearest[i])
            .Take((int)(NearShare * max)).ToArray())
        {
            chosen[i] = true;
        }

        Array.Fill(nearest, double.PositiveInfinity);
        Shorten(byLoss[0]);
        for (var left = max - chosen.Count(static c => c); left > 0; left--)
        {
            var farthest = -1;
            for (var i = 0; i < nearest.Length; i++)
            {
                farthest = !chosen[i] && (farthest < 0 || nearest[i] > nearest[farthest]) ? i : farthest;
            }

            chosen[farthest] = true;
            Shorten(farthest);
        }

        return [.. results.Where((_, i) => chosen[i])];

        void Shorten(int center)
        {
            kernel.Distances(sites.Units.Row(center), sites.Columns, distances);
            for (var i = 0; i < nearest.Length; i++)
            {
                nearest[i] = Math.Min(nearest[i], distances[i]);
            }
        }
    }

    /// <summary>The better half of so many, and the rest from all others evenly; in their order.</summary>
    private static ImmutableArray<Result> Thin(ImmutableArray<Result> results)
    {
        if (results.Length <= MaxConsidered)
        {
            return results;
        }

        var kept = new bool[results.Length];
        var byLoss = Enumerable.Range(0, results.Length).OrderBy(i => results[i].Loss).ToArray();
        const int Best = MaxConsidered / 2;
        for (var k = 0; k < MaxConsidered; k++)
        {
            var rest = (long)(k - Best) * (results.Length - Best) / (MaxConsidered - Best);
            kept[byLoss[k < Best ? k : Best + (int)rest]] = true;
        }

        return [.. results.Where((_, i) => kept[i])];
    }
}
