using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>Prints problems, each checked against random points and steps downhill from its optimum.</summary>
internal static class ProblemList
{
    private const int Points = 20_000;

    /// <summary>Prints them.</summary>
    /// <returns>The exit code: 1 when a point was found that lies below a minimum.</returns>
    public static int Print(ImmutableArray<TestProblem> problems)
    {
        var isWrong = false;
        foreach (var problem in problems)
        {
            var (lowest, median, failing) = Sample(problem);
            var isBelow = lowest < problem.Minimum - (1e-9 * Math.Max(1, Math.Abs(problem.Minimum)));
            isWrong |= isBelow;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{problem.Name,-28} {Trace.FingerprintOf(problem)} {problem.Group,-9} {problem.Parameters.Length,2} parameters  "
                + $"minimum {problem.Minimum,12:G6}  best of {Points} {lowest,12:G6}  median {median,12:G6}  "
                + $"failing {failing:P0}{(isBelow ? "  BELOW ITS MINIMUM" : "")}"));
        }

        return isWrong ? 1 : 0;
    }

    /// <summary>Half of the points are drawn, the other half near the best so far.</summary>
    private static (double Lowest, double Median, double Failing) Sample(TestProblem problem)
    {
        var draws = new Draws($"{problem.Name} sample");
        var unit = new double[problem.Parameters.Length];
        var best = new double[unit.Length];
        var lowest = double.PositiveInfinity;
        var drawn = new List<double>();
        for (var i = 0; i < Points; i++)
        {
            var isLocal = i >= Points / 2;
            var radius = Math.Pow(10, draws.Uniform(-4, 0));
            for (var j = 0; j < unit.Length; j++)
            {
                unit[j] = isLocal
                    ? Math.Clamp(best[j] + (radius * draws.Uniform(-0.5, 0.5)), 0, 0.999999)
                    : draws.Uniform();
            }

            var outcome = problem.Evaluate(problem.Space.Format(problem.Space.Quantile(unit)), 0, i);
            if (!isLocal)
            {
                drawn.Add(outcome.True);
            }

            if (outcome.True < lowest)
            {
                (lowest, best) = (outcome.True, [.. unit]);
            }
        }

        var failing = (double)drawn.Count(double.IsNaN) / drawn.Count;
        return (lowest, Figures.Median(drawn.Where(static v => !double.IsNaN(v))), failing);
    }
}
