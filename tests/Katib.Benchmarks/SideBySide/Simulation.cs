namespace Katib.Benchmarks.SideBySide;

/// <summary>Runs a problem under an optimiser on a clock of its own.</summary>
/// <remarks>
/// <para>As under Katib: so many trials are always under way; whenever one ends, the next point is asked for, with the
/// others still running. With one at a time this is the sequential case.</para>
/// <para>How long a trial runs is log-normal, with a deviation of one half, and follows from the seed and the number of
/// the trial alone: the order in which trials end is the same for every optimiser.</para>
/// </remarks>
internal static class Simulation
{
    /// <summary>Runs until so many trials have ended.</summary>
    public static async Task<Trace> RunAsync(
        IOptimizer optimizer, string name, TestProblem problem, string fingerprint, int seed, int budget, int parallel)
    {
        await optimizer.BeginAsync(problem, seed, parallel);
        var history = new RunHistory();
        var running = new PriorityQueue<RunTrial, double>();
        var durations = new Draws(FormattableString.Invariant($"durations {seed}"));
        var now = 0.0;
        while (history.Ended.Count < budget)
        {
            var wanted = Math.Min(parallel - running.Count, budget - history.Trials.Count);
            if (wanted > 0)
            {
                foreach (var point in await optimizer.AskAsync(history, wanted))
                {
                    var trial = new RunTrial(history.Trials.Count, point);
                    history.Trials.Add(trial);
                    running.Enqueue(trial, now + Math.Exp(durations.Normal() / 2));
                }
            }

            _ = running.TryDequeue(out var ended, out now);
            ended!.Outcome = problem.Evaluate(ended.Point, seed, ended.Number);
            history.Ended.Add(ended);
        }

        return new(
            new(problem.Name, parallel, seed),
            fingerprint,
            name,
            optimizer.Version,
            optimizer.Seconds,
            [.. history.Trials.Select(t => Math.Max(0, t.Outcome!.Value.True - problem.Minimum))],
            [.. Incumbents(problem, history.Trials)]);
    }

    private static IEnumerable<(int Trial, double Regret)> Incumbents(TestProblem problem, IEnumerable<RunTrial> trials)
    {
        var lowest = double.PositiveInfinity;
        foreach (var trial in trials)
        {
            if (trial.Outcome is { Observed: { } observed, True: var loss } && observed < lowest)
            {
                lowest = observed;
                yield return (trial.Number + 1, Math.Max(0, loss - problem.Minimum));
            }
        }
    }
}
