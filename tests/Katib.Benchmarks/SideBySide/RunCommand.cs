using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>Runs an optimiser on problems, and keeps what it found.</summary>
internal static class RunCommand
{
    private const int SeedsAtOnce = 5;

    /// <summary>Runs what is not there yet; the first seeds of all problems come first.</summary>
    /// <returns>The file with the runs.</returns>
    public static async Task<string> RunAsync(QualityOptions options, string folder)
    {
        var name = Optimizers.NameOf(options);
        var path = options.One("--out") ?? Path.Combine(folder, $"{name}.csv");
        var words = options.All("--problems") is { Length: > 0 } given ? given : ["judge"];
        var budget = options.Numbers("--budget", "100").Max();
        var parallel = options.Numbers("--parallel", "1");
        var jobs = options.Numbers("--jobs", "1")[0];
        var file = TraceFile.Open(path);
        var problems = words.SelectMany(static w => ProblemSets.Find(w))
            .Select(static p => (Problem: p, Fingerprint: Trace.FingerprintOf(p))).ToImmutableArray();
        var work = new ConcurrentQueue<(TestProblem Problem, string Fingerprint, int Seed, int Parallel)>(
            from p in parallel
            from seeds in options.Numbers("--seeds", "0-19").Chunk(SeedsAtOnce)
            from problem in problems
            from seed in seeds
            where file.Find(new(problem.Problem.Name, p, seed), problem.Fingerprint, budget) is null
            select (problem.Problem, problem.Fingerprint, seed, p));
        var count = work.Count;
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(jobs, count)).Select(_ => Task.Run(async () =>
        {
            await using var optimizer = await Optimizers.CreateAsync(options);
            while (work.TryDequeue(out var run))
            {
                var trace = await Simulation.RunAsync(
                    optimizer, name, run.Problem, run.Fingerprint, run.Seed, budget, run.Parallel);
                file.Add(trace);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Interlocked.Increment(ref done)}/{count} {run.Problem.Name} parallel {run.Parallel} "
                    + $"seed {run.Seed}: regret {trace.RegretAt(budget):G4}, "
                    + $"{trace.Seconds / budget:0.000} s for a suggestion"));
            }
        })));
        return path;
    }
}
