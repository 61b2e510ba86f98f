using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>How long a suggestion takes by the length of the history, and how much memory it takes.</summary>
/// <remarks>
/// The first trials are drawn at random. Then the optimiser is asked for one point, which is run and told, and so on:
/// each call brings one new trial and the whole history. For a server the time is that of its client, messages
/// included; for scikit-optimize it is that of telling and asking alone.
/// </remarks>
internal static class LatencyCommand
{
    private const int WarmUps = 5;

    /// <summary>Measures what the options name, and scikit-optimize where its place is given.</summary>
    public static async Task RunAsync(QualityOptions options)
    {
        var problem = ProblemSets.Find(options.One("--problems") ?? "tune-rosenbrock-8").Single();
        var scikitOptimize = new Dictionary<int, double>();
        Figures.Title($"latency: one new trial in each call, the whole history in each call, {problem.Name}");
        await using (var peer = Optimizers.ScikitOptimize(options))
        {
            var lengths = options.Numbers("--lengths", "10,100,300").Where(static n => n <= 300);
            foreach (var length in peer is null ? [] : lengths)
            {
                var times = await TimesAsync(peer!, problem, length, 4);
                scikitOptimize[length] = Figures.Median(times[1..]);
                Figures.Baseline(Text($"{peer!.Version}, {length} trials, p50"), scikitOptimize[length], "ms");
            }
        }

        foreach (var length in options.Numbers("--lengths", "100,300,1000,3000"))
        {
            // A program is started afresh, so that its first call is cold and its peak is that of this length.
            await using var optimizer = await Optimizers.CreateAsync(options);
            var times = await TimesAsync(optimizer, problem, length, WarmUps + options.Numbers("--calls", "40")[0]);
            var warm = times[WarmUps..];
            var (p50, p95) = (Figures.Median(warm), Figures.Quantile(warm, 0.95));
            var memory = optimizer is KatibOptimizer { Program: { } program }
                ? Text($", first call {times[0]:0} ms, peak RSS {await program.StatusAsync("VmHWM") / 1024:0.0} MiB")
                : "";
            var ratio = scikitOptimize.TryGetValue(length, out var slow)
                ? Text($", scikit-optimize takes {slow / p50:0} times as long")
                : "";
            var name = Optimizers.NameOf(options);
            Figures.Note(Text($"{name}, {length,4} trials: p50 {p50:0.00} ms, p95 {p95:0.00} ms{ratio}{memory}"));
        }
    }

    private static async Task<List<double>> TimesAsync(IOptimizer optimizer, TestProblem problem, int length, int calls)
    {
        var history = new RunHistory { Given = length };
        var draws = new Draws($"history {problem.Name}");
        await optimizer.BeginAsync(problem, length, 1);
        for (var i = 0; i < history.Given; i++)
        {
            var unit = new double[problem.Parameters.Length];
            for (var j = 0; j < unit.Length; j++)
            {
                unit[j] = draws.Uniform();
            }

            Add(new(i, problem.Space.Format(problem.Space.Quantile(unit))));
        }

        var times = new List<double>();
        for (var i = 0; i < calls; i++)
        {
            var before = optimizer.Seconds;
            var point = (await optimizer.AskAsync(history, 1))[0];
            times.Add(1000 * (optimizer.Seconds - before));
            Add(new(history.Trials.Count, point));
        }

        return times;

        void Add(RunTrial trial)
        {
            trial.Outcome = problem.Evaluate(trial.Point, 0, trial.Number);
            history.Trials.Add(trial);
            history.Ended.Add(trial);
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
