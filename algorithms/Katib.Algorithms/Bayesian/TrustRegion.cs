using System.Collections.Immutable;

namespace Katib.Algorithms.Bayesian;

/// <summary>A box around the best place, wide along the axes on which the loss changes slowly.</summary>
/// <remarks>
/// D. Eriksson and others, "Scalable global optimization via local Bayesian optimization", NeurIPS 2019. It grows after
/// successes and shrinks after failures; what it is now follows from the results in their order, so that no state is kept.
/// </remarks>
internal sealed class TrustRegion
{
    private const double FirstRadius = 0.4;
    private const double MaxRadius = 0.8;
    private const double MinRadius = 1.0 / 128;
    private const int Successes = 3;
    private const int MinFailures = 4;

    /// <summary>How many axes differ from the best place, on average, in a space that has more.</summary>
    private const double MovedAxes = 20;

    /// <summary>An improvement smaller than this part of the good half's spread is none.</summary>
    private const double MinImprovement = 1e-3;

    private readonly ModelSpace _space;
    private readonly double[] _center;

    private TrustRegion(ModelSpace space, double[] center, double radius, Hyperparameters hyperparameters)
    {
        (_space, _center) = (space, center);
        Lower = new double[center.Length];
        Upper = new double[center.Length];
        var mean = Enumerable.Range(0, center.Length).Average(d => hyperparameters.Logs[d]);
        for (var d = 0; d < center.Length; d++)
        {
            var reach = radius * Math.Exp(hyperparameters.Logs[d] - mean);
            Lower[d] = space.Axes[d].IsCategorical ? 0 : Math.Max(0, center[d] - reach);
            Upper[d] = space.Axes[d].IsCategorical ? 1 : Math.Min(1, center[d] + reach);
        }
    }

    /// <summary>The lower corner; categories have none.</summary>
    public double[] Lower { get; }

    /// <summary>The upper corner.</summary>
    public double[] Upper { get; }

    /// <summary>The box around the best place of a process, after all results in their order.</summary>
    public static TrustRegion Around(ModelSpace space, GaussianProcess process, ImmutableArray<Result> results) => new(
        space,
        process.Observations.Sites.Units.Row(process.Best(1)[0]).ToArray(),
        RadiusAfter(results, space.Dimension),
        process.Hyperparameters);

    /// <summary>The radius after results in their order.</summary>
    public static double RadiusAfter(ImmutableArray<Result> results, int dimension)
    {
        var losses = results.Select(static r => r.Loss).ToArray();
        var good = losses.Order().Take((losses.Length + 1) / 2).ToArray();
        var least = MinImprovement * (good[^1] - good[0]);
        var (radius, best, successes, failures) = (FirstRadius, double.PositiveInfinity, 0, 0);
        foreach (var loss in losses)
        {
            (successes, failures) = loss < best - least ? (successes + 1, 0) : (0, failures + 1);
            best = Math.Min(best, loss);
            if (successes >= Successes)
            {
                (radius, successes) = (Math.Min(MaxRadius, 2 * radius), 0);
            }
            else if (failures >= Math.Max(MinFailures, dimension))
            {
                (radius, failures) = (radius / 2 < MinRadius ? FirstRadius : radius / 2, 0);
            }
        }

        return radius;
    }

    /// <summary>Moves a point of the whole space into the box, on some axes; the others take the best place's values.</summary>
    public void MoveInto(Span<double> unit, Philox random, ulong index)
    {
        Span<double> chances = stackalloc double[unit.Length];
        random.Fill(index, chances);
        for (var d = 0; d < unit.Length; d++)
        {
            if (chances[d] * unit.Length >= MovedAxes)
            {
                unit[d] = _center[d];
            }
            else if (!_space.Axes[d].IsCategorical)
            {
                unit[d] = Lower[d] + (unit[d] * (Upper[d] - Lower[d]));
            }
        }
    }
}
