using System.Collections.Immutable;

namespace Katib.Benchmarks.SideBySide;

/// <summary>A mean with an interval that holds it with 95 %.</summary>
internal readonly record struct Interval(double Mean, double Low, double High)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Mean:0.000} [{Low:0.000}, {High:0.000}]");
}

/// <summary>The scores of all optimisers at one budget and one number of parallel trials.</summary>
/// <remarks>
/// <para>The score of a run is (R - v) / (R - m): m is the problem's minimum, v the true loss of the best observed
/// trial, R the median of random search's v over its seeds, always of its sequential runs, since it looks at no result.
/// It is 1 at the minimum and 0 at random search's level. It is cut off at -1, so that one lost run does not outweigh a
/// whole suite; a run without any success has -1. A problem whose minimum random search finds is left out.</para>
/// <para>Intervals are bootstrapped, percentiles of 2,000 draws: of the seeds of each problem, or first of the problems
/// and then of the seeds. Differences are paired by problem and seed.</para>
/// </remarks>
internal sealed class Comparison
{
    private const int Repeats = 2000;

    private readonly Dictionary<(string Optimizer, string Problem), SortedDictionary<int, double>> _scores = [];
    private readonly Dictionary<(string Optimizer, string Problem), SortedDictionary<int, double>> _regrets = [];

    /// <summary>Reads the traces that belong to it.</summary>
    public Comparison(ImmutableArray<TestProblem> problems, IEnumerable<Trace> traces, int budget, int parallel)
    {
        var fitting = traces.Where(t => t.Budget >= budget).ToArray();
        var known = new List<TestProblem>();
        foreach (var problem in problems)
        {
            var fingerprint = Trace.FingerprintOf(problem);
            var own = fitting.Where(t => t.Key.Problem == problem.Name && t.Fingerprint == fingerprint).ToArray();
            var random = own.Where(static t => t is { Optimizer: "random", Key.Parallel: 1 })
                .Select(t => t.RegretAt(budget)).Where(static r => !double.IsNaN(r)).ToArray();
            if (random is [] || Median(random) is not > 0)
            {
                continue;
            }

            known.Add(problem);
            foreach (var trace in own.Where(t => t.Key.Parallel == parallel || t.Optimizer is "random"))
            {
                var regret = trace.RegretAt(budget);
                var score = double.IsNaN(regret) ? -1 : Math.Clamp(1 - (regret / Median(random)), -1, 1);
                Entry(_scores, trace)[trace.Key.Seed] = score;
                Entry(_regrets, trace)[trace.Key.Seed] = double.IsNaN(regret) ? double.PositiveInfinity : regret;
            }
        }

        Problems = [.. known];
        Optimizers = [.. _scores.Keys.Select(static k => k.Optimizer).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The problems that random search was recorded on.</summary>
    public ImmutableArray<TestProblem> Problems { get; }

    /// <summary>The optimisers that have any run.</summary>
    public ImmutableArray<string> Optimizers { get; }

    /// <summary>The scores on a problem by seed; empty when there are none.</summary>
    public IReadOnlyDictionary<int, double> Scores(string optimizer, TestProblem problem) =>
        _scores.GetValueOrDefault((optimizer, problem.Name), []);

    /// <summary>The median regret on a problem; not a number when there is no run.</summary>
    public double MedianRegret(string optimizer, TestProblem problem) =>
        _regrets.TryGetValue((optimizer, problem.Name), out var regrets) ? Median(regrets.Values) : double.NaN;

    /// <summary>The mean score over problems.</summary>
    /// <param name="optimizer">Whose.</param>
    /// <param name="problems">On which problems; those without a run are left out.</param>
    /// <param name="drawsProblems">Whether the interval is also about the choice of the problems.</param>
    public Interval? Mean(string optimizer, IEnumerable<TestProblem> problems, bool drawsProblems) =>
        Bootstrap(
            [.. problems.Select(p => Scores(optimizer, p).Values.ToArray()).Where(static s => s.Length > 0)],
            drawsProblems);

    /// <summary>The mean difference of two optimisers' scores, on the problems and seeds that both have.</summary>
    public Interval? Difference(
        string optimizer, string other, IEnumerable<TestProblem> problems, bool drawsProblems) =>
        Bootstrap(
            [.. problems.Select(p => Differences(optimizer, other, p)).Where(static d => d.Length > 0)],
            drawsProblems);

    /// <summary>The mean rank among optimisers, 1 the best, over problems and seeds that all of them have.</summary>
    public ImmutableDictionary<string, double> Ranks(
        ImmutableArray<string> optimizers, IEnumerable<TestProblem> problems)
    {
        var ranks = optimizers.ToDictionary(static o => o, static _ => new List<double>(), StringComparer.Ordinal);
        foreach (var problem in problems)
        {
            var regrets = optimizers.Select(o => _regrets.GetValueOrDefault((o, problem.Name), [])).ToArray();
            foreach (var seed in regrets[0].Keys.Where(s => regrets.All(r => r.ContainsKey(s))))
            {
                for (var i = 0; i < optimizers.Length; i++)
                {
                    var own = regrets[i][seed];
                    var better = regrets.Count(r => r[seed] < own);
                    var level = regrets.Count(r => r[seed].Equals(own));
                    ranks[optimizers[i]].Add(better + ((level + 1) / 2.0));
                }
            }
        }

        return ranks.Where(static r => r.Value.Count > 0)
            .ToImmutableDictionary(static r => r.Key, static r => r.Value.Average());
    }

    /// <summary>The differences on one problem, by seed.</summary>
    private double[] Differences(string optimizer, string other, TestProblem problem)
    {
        var others = Scores(other, problem);
        var own = Scores(optimizer, problem);
        return [.. own.Where(s => others.ContainsKey(s.Key)).Select(s => s.Value - others[s.Key])];
    }

    private static Interval? Bootstrap(ImmutableArray<double[]> problems, bool drawsProblems)
    {
        if (problems is [])
        {
            return null;
        }

        var draws = new Draws("bootstrap");
        var means = new double[Repeats];
        for (var d = 0; d < Repeats; d++)
        {
            for (var p = 0; p < problems.Length; p++)
            {
                var values = problems[drawsProblems ? draws.Below(problems.Length) : p];
                var sum = 0.0;
                for (var i = 0; i < values.Length; i++)
                {
                    sum += values[draws.Below(values.Length)];
                }

                means[d] += sum / values.Length / problems.Length;
            }
        }

        return new(
            problems.Average(static p => p.Average()), Figures.Quantile(means, 0.025), Figures.Quantile(means, 0.975));
    }

    /// <summary>The middle value; of an even number, the mean of the two middle ones.</summary>
    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static SortedDictionary<int, double> Entry(
        Dictionary<(string Optimizer, string Problem), SortedDictionary<int, double>> table, Trace trace)
    {
        var key = (trace.Optimizer, trace.Key.Problem);
        if (!table.TryGetValue(key, out var entry))
        {
            entry = table[key] = [];
        }

        return entry;
    }
}
