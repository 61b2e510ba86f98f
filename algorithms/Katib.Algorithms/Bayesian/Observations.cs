using System.Collections.Immutable;
using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>Places in the model's space, stored so that one axis of all of them lies together.</summary>
internal sealed class Sites
{
    public Sites(ModelSpace space, IReadOnlyList<Point> points)
    {
        Columns = new(space.Dimension, points.Count);
        Units = new(points.Count, space.Dimension);
        for (var i = 0; i < points.Count; i++)
        {
            space.Encode(points[i], Units.Row(i));
            for (var d = 0; d < space.Dimension; d++)
            {
                Columns[d, i] = Units[i, d];
            }
        }
    }

    /// <summary>How many they are.</summary>
    public int Count => Units.Rows;

    /// <summary>A row for each axis.</summary>
    public Matrix Columns { get; }

    /// <summary>A row for each place.</summary>
    public Matrix Units { get; }
}

/// <summary>What the model learns from: places, warped losses, and how noisy each of them is.</summary>
/// <param name="Sites">Where.</param>
/// <param name="Values">Warped losses, with mean 0 and deviation 1.</param>
/// <param name="NoiseFactors">By how much the variance of the noise exceeds that of a trial that ran to its end.</param>
internal sealed record Observations(Sites Sites, ImmutableArray<double> Values, ImmutableArray<double> NoiseFactors)
{
    /// <summary>How much more noise is expected of labels: failures come by chance more often than losses do.</summary>
    private const double LabelNoise = 100;

    /// <summary>How many they are.</summary>
    public int Count => Values.Length;

    /// <summary>Observations from results, their losses warped together.</summary>
    public static Observations Of(ModelSpace space, IReadOnlyList<Result> results)
    {
        var losses = results.Select(static r => r.Loss).ToArray();
        OutputWarp.Apply(losses);
        return new(
            new(space, [.. results.Select(static r => r.Point)]),
            [.. losses],
            [.. results.Select(static r => r.NoiseFactor)]);
    }

    /// <summary>Labels of places: 1 where trials ended with a loss, -1 where they did not.</summary>
    public static Observations Labels(ModelSpace space, IReadOnlyList<Point> good, IReadOnlyList<Point> bad)
    {
        var labels = Enumerable.Repeat(1.0, good.Count).Concat(Enumerable.Repeat(-1.0, bad.Count));
        return new(
            new(space, [.. good, .. bad]), [.. labels], [.. Enumerable.Repeat(LabelNoise, good.Count + bad.Count)]);
    }
}
