using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>The most probable hyperparameters, searched from starts that do not depend on the data.</summary>
internal static class HyperparameterFit
{
    /// <summary>With fewer observations than the first number all starts are tried, with more than the second only two.</summary>
    private const int Few = 20;
    private const int Many = 200;

    /// <summary>Most starts lead to the same place, and after ten rounds it shows which do not.</summary>
    private static readonly BoxMinimizerOptions Options =
        new(MaxIterations: 60, GradientTolerance: 1e-3, RelativeDecrease: 1e-7, Rounds: 10);

    /// <summary>Fits.</summary>
    public static Hyperparameters Run(
        ModelSpace space, Observations observations, Workspace workspace, CancellationToken cancellationToken)
    {
        var dimension = space.Dimension;
        var root = Math.Sqrt(Math.Sqrt(dimension));
        Hyperparameters[] starts =
        [
            Hyperparameters.Of(dimension, 0.5 * root, 1, 1e-2),
            Hyperparameters.Of(dimension, 0.2 * root, 1, 1e-4),
            Hyperparameters.Of(dimension, 1.5 * root, 1, 1e-3),
            Hyperparameters.PriorMode(dimension),
        ];
        starts = starts[..(observations.Count < Few ? 4 : observations.Count <= Many ? 3 : 2)];
        var points = new Matrix(starts.Length, dimension + 2);
        for (var i = 0; i < starts.Length; i++)
        {
            starts[i].Logs.CopyTo(points.Row(i));
        }

        var lower = new double[dimension + 2];
        var upper = new double[dimension + 2];
        Hyperparameters.Bounds(dimension, lower, upper);
        var likelihood = new MarginalLikelihood(space, observations, workspace);
        var values = new double[starts.Length];
        BoxMinimizer.Minimize(points, lower, upper, Options, Evaluate, values);
        var best = values.AsSpan().IndexOfMin();
        return double.IsFinite(values[best])
            ? new([.. points.Row(best)])
            : Hyperparameters.PriorMode(dimension) with { IsAssumed = true };

        void Evaluate(ReadOnlySpan<int> which, Matrix x, Span<double> found, Matrix gradients)
        {
            for (var row = 0; row < which.Length; row++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                found[row] = likelihood.Evaluate(x.Row(row), gradients.Row(row));
            }
        }
    }

    private static int IndexOfMin(this Span<double> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            best = values[i] < values[best] ? i : best;
        }

        return best;
    }
}
