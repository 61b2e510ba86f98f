using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>Prints what was recorded, side by side, as Markdown.</summary>
internal static class CompareCommand
{
    private const int FailuresAfter = 30;

    /// <summary>Prints the tables.</summary>
    /// <param name="options">The options.</param>
    /// <param name="more">Files beside those that are kept in the repository.</param>
    public static void Run(QualityOptions options, params ImmutableArray<string> more)
    {
        var words = options.All("--problems") is { Length: > 0 } given ? given : ["judge"];
        ImmutableArray<TestProblem> problems = [.. words.SelectMany(static w => ProblemSets.Find(w))];
        var kept = Directory.Exists(TraceFile.Recorded) ? Directory.EnumerateFiles(TraceFile.Recorded, "*.csv") : [];
        ImmutableArray<Trace> traces =
        [
            .. kept.Concat(options.All("--with")).Concat(more).Distinct()
                .SelectMany(static f => TraceFile.Open(f).Traces),
        ];
        if (options.All("--only") is { Length: > 0 } only)
        {
            traces = traces.RemoveAll(t => t.Optimizer is not "random" && !only.Contains(t.Optimizer));
        }

        foreach (var parallel in options.Numbers("--parallel", "1,4"))
        {
            foreach (var budget in options.Numbers("--budget", "50,100"))
            {
                var comparison = new Comparison(problems, traces, budget, parallel);
                if (comparison.Optimizers.Any(static o => o is not "random"))
                {
                    Print(comparison, budget, parallel, options);
                }
            }
        }

        PrintOutdated(problems, traces);
        PrintTimes(traces);
        PrintFailures(problems, traces);
    }

    /// <summary>Names what does not count, so that no table is silently of fewer problems.</summary>
    private static void PrintOutdated(ImmutableArray<TestProblem> problems, ImmutableArray<Trace> traces)
    {
        foreach (var problem in problems)
        {
            var fingerprint = Trace.FingerprintOf(problem);
            if (traces.Count(t => t.Key.Problem == problem.Name && t.Fingerprint != fingerprint) is > 0 and var outdated)
            {
                Console.WriteLine($"Left out: {outdated} runs of another form of {problem.Name}.");
            }
        }
    }

    private static void Print(Comparison comparison, int budget, int parallel, QualityOptions options)
    {
        var atOnce = parallel is 1 ? "one trial at a time" : Text($"{parallel} trials at once");
        Console.WriteLine(Text($"\n## Budget {budget}, {atOnce}\n"));
        var optimizers = comparison.Optimizers.Remove("random");
        var showsRegret = options.All("--show").Contains("regret");
        Row($"{(showsRegret ? "median regret" : "mean score")}", optimizers);
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", optimizers.Length))}");
        foreach (var problem in comparison.Problems)
        {
            Row(problem.Name, optimizers.Select(o => comparison.Scores(o, problem) switch
            {
                { Count: 0 } => "",
                _ when showsRegret => Text($"{comparison.MedianRegret(o, problem):G3}"),
                var scores => Text($"{scores.Values.Average():0.000}{(scores.Count < 20 ? $" ({scores.Count})" : "")}"),
            }));
        }

        foreach (var (half, members) in Halves(comparison.Problems))
        {
            Row($"**{half}**", optimizers.Select(o => $"{comparison.Mean(o, members, drawsProblems: false)}"));
            var all = optimizers.Where(o => members.All(p => comparison.Scores(o, p).Count > 0)).ToImmutableArray();
            var ranks = comparison.Ranks(all, members);
            Row(
                $"{half}, mean rank",
                optimizers.Select(o => ranks.TryGetValue(o, out var rank) ? Text($"{rank:0.00}") : ""));
        }

        foreach (var optimizer in options.All("--of") is { Length: > 0 } of ? of : [])
        {
            PrintDifferences(comparison, optimizer, optimizers.Remove(optimizer));
        }
    }

    private static void PrintDifferences(Comparison comparison, string optimizer, ImmutableArray<string> others)
    {
        Console.WriteLine($"\n{optimizer} less the other: seeds drawn; in brackets, problems drawn too\n");
        var halves = Halves(comparison.Problems).ToArray();
        Row("against", halves.Select(static h => h.Name));
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", halves.Length))}");
        foreach (var other in others)
        {
            Row(other, halves.Select(h =>
                comparison.Difference(optimizer, other, h.Members, drawsProblems: false) is { } seeds
                && comparison.Difference(optimizer, other, h.Members, drawsProblems: true) is { } both
                    ? $"{seeds} ([{Text($"{both.Low:0.000}, {both.High:0.000}")}])"
                    : ""));
        }

        foreach (var problem in comparison.Problems.Where(p => comparison.Scores(optimizer, p).Count > 0))
        {
            var best = others.Where(o => comparison.Scores(o, problem).Count > 0)
                .MaxBy(o => comparison.Scores(o, problem).Values.Average());
            if (best is not null
                && comparison.Difference(optimizer, best, [problem], drawsProblems: false) is { High: < 0 } worse)
            {
                Console.WriteLine($"\nWorse than noise on {problem.Name}: {worse} against {best}");
            }
        }
    }

    private static void PrintTimes(ImmutableArray<Trace> traces)
    {
        Console.WriteLine("\n## Seconds for a suggestion, as measured where it was recorded\n");
        Console.WriteLine("| optimiser | version | runs | budget | seconds |\n|---|---|---:|---:|---:|");
        foreach (var runs in traces.GroupBy(static t => (t.Optimizer, t.Version, t.Budget)).OrderBy(static g => g.Key))
        {
            var each = runs.Sum(static t => t.Seconds) / runs.Sum(static t => t.Budget);
            Row(
                runs.Key.Optimizer,
                [runs.Key.Version, Text($"{runs.Count()}"), Text($"{runs.Key.Budget}"), Text($"{each:0.0000}")]);
        }
    }

    private static void PrintFailures(ImmutableArray<TestProblem> problems, ImmutableArray<Trace> traces)
    {
        foreach (var problem in problems)
        {
            var shares = traces.Where(t => t.Key.Problem == problem.Name && t.Budget > FailuresAfter)
                .GroupBy(static t => t.Optimizer)
                .Select(static g => (Optimizer: g.Key, Share: FailingShare(g)))
                .ToArray();
            if (shares.Any(static s => s.Share > 0))
            {
                Console.WriteLine($"\nTrials of {problem.Name} that failed after the first {FailuresAfter}: "
                    + string.Join(", ", shares.Select(static s => Text($"{s.Optimizer} {100 * s.Share:0.0} %"))));
            }
        }
    }

    private static double FailingShare(IEnumerable<Trace> traces) =>
        traces.SelectMany(static t => t.Regrets.Skip(FailuresAfter)).Average(static r => double.IsNaN(r) ? 1.0 : 0.0);

    private static IEnumerable<(string Name, ImmutableArray<TestProblem> Members)> Halves(
        ImmutableArray<TestProblem> problems)
    {
        foreach (var half in problems.GroupBy(static p => p.Group).OrderBy(static g => g.Key))
        {
            yield return (half.Key.ToString().ToLowerInvariant(), [.. half]);
        }

        yield return ("all", problems);
    }

    private static void Row(string first, IEnumerable<string> cells) =>
        Console.WriteLine($"| {first} | {string.Join(" | ", cells)} |");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
