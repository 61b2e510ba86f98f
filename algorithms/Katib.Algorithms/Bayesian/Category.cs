namespace Katib.Algorithms.Bayesian;

/// <summary>A category of an axis.</summary>
/// <param name="Axis">The number of the axis.</param>
/// <param name="Index">The number of the category.</param>
internal readonly record struct Category(int Axis, double Index)
{
    /// <summary>Fewer results may lie where they do by chance.</summary>
    private const int MinResults = 10;

    /// <summary>A category is neglected while it has less than this part of what would be even.</summary>
    private const double EvenShare = 0.6;

    /// <summary>Whether a place has it.</summary>
    public bool Has(ReadOnlySpan<double> unit) => unit[Axis] == Index;

    /// <summary>Whether a point has it.</summary>
    public bool Has(Point point, ModelSpace space) => point.Coordinates[space.Axes[Axis].Position] == Index;

    /// <summary>The category that was tried least, when one is neglected; null otherwise.</summary>
    /// <remarks>
    /// Parameters often matter under one category only, and the best places of two have nothing in common. Results that
    /// pile up around the best place of one make all of another look hopeless after a few poor draws, and what is left
    /// to gain around the first, however little, look better for ever. The best place's own categories are not neglected,
    /// and one where most trials fail is avoided on purpose.
    /// </remarks>
    /// <param name="space">The model's space.</param>
    /// <param name="history">All results, in their order, and all failures.</param>
    /// <param name="process">The model.</param>
    /// <param name="open">Places whose losses are not known.</param>
    public static Category? Neglected(
        ModelSpace space, History history, GaussianProcess process, IReadOnlyCollection<Point> open)
    {
        if (!space.Axes.Any(static a => a.IsCategorical) || history.Results.Length < MinResults)
        {
            return null;
        }

        var points = history.Results.Select(static r => r.Point).Concat(open).Concat(history.Failures).ToArray();
        var best = process.Observations.Sites.Units.Row(process.Best(1)[0]);
        Category? neglected = null;
        var fewest = int.MaxValue;
        for (var d = 0; d < space.Dimension; d++)
        {
            var levels = space.Axes[d].Levels ?? 0;
            if (!space.Axes[d].IsCategorical || levels > EvenShare * points.Length)
            {
                continue;
            }

            var tried = Counts(points, space.Axes[d]);
            var failed = Counts(history.Failures, space.Axes[d]);
            for (var k = 0; k < levels; k++)
            {
                var isAvoided = best[d] == k || 2 * failed[k] > tried[k];
                if (!isAvoided && tried[k] < fewest && tried[k] < EvenShare * points.Length / levels)
                {
                    (neglected, fewest) = (new(d, k), tried[k]);
                }
            }
        }

        return neglected;
    }

    /// <summary>How many of the points have each category of an axis.</summary>
    private static int[] Counts(IEnumerable<Point> points, ModelAxis axis)
    {
        var counts = new int[axis.Levels!.Value];
        foreach (var point in points)
        {
            counts[(int)point.Coordinates[axis.Position]]++;
        }

        return counts;
    }
}
