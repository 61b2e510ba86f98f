using System.Diagnostics;
using System.Net;
using Katib.Algorithms.Random;
using Katib.Coordinator;
using Katib.Coordinator.Storage;
using Katib.Hosting;

namespace Katib.Benchmarks;

/// <summary>What the coordinator adds to the start of a process: the whole session, its random service included.</summary>
internal static class LoopBenchmark
{
    private const int Parallel = 4;

    public static async Task RunAsync(int trials)
    {
        Figures.Title(FormattableString.Invariant(
            $"loop: this process's CPU for each of {trials} trials that do nothing, {Parallel} at once, against bare process starts"));
        var bare = await BareAsync(trials);
        var folder = Directory.CreateTempSubdirectory("katib-bench-");
        try
        {
            var begun = Stopwatch.GetTimestamp();
            var session = await SessionAsync(trials, folder.FullName);
            var elapsed = Stopwatch.GetElapsedTime(begun);
            Figures.Baseline("bare start of sh, CPU", bare, "ms");
            Figures.Print("trial through the coordinator, CPU", session, "ms", bare);
            Figures.Print("apart from the process start", session - bare, "ms", bare);
            Figures.Note(FormattableString.Invariant($"elapsed: {elapsed.TotalMilliseconds / trials:0.0} ms a trial"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<double> BareAsync(int trials)
    {
        var before = Cpu();
        await System.Threading.Tasks.Parallel.ForAsync(
            0,
            trials,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel },
            static async (_, token) =>
            {
                using var process = Process.Start(
                    new ProcessStartInfo("sh", ["-c", $"echo {Given.Metric}=1"]) { RedirectStandardOutput = true })!;
                await process.WaitForExitAsync(token);
            });
        return (Cpu() - before) / trials;
    }

    private static async Task<double> SessionAsync(int trials, string folder)
    {
        await using var service = SuggestionHost.Build("random", new RandomSearch(), new(IPAddress.Loopback, 0));
        await service.StartAsync();
        var endpoint = new Uri(service.Urls.Single());
        var session = new ExperimentSession(StoreLocation.OfFile(Path.Combine(folder, "katib.db")), TimeProvider.System);
        var before = Cpu();
        var stored = await session.RunAsync(
            new(Given.Experiment("loop", trials, Parallel, parameters: 3), folder, [], Fresh: false),
            (_, _) => Task.FromResult(endpoint),
            static (loop, token) => loop.RunAsync(token),
            new Silence(),
            CancellationToken.None);
        var cpu = (Cpu() - before) / trials;
        return stored.State.Trials.Count(static t => t.Status is TrialStatus.Succeeded) == trials
            ? cpu
            : throw new InvalidOperationException($"Not all trials have succeeded: {stored.State.Outcome?.Message}");
    }

    private static double Cpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime.TotalMilliseconds;
    }

    private sealed class Silence : IProgress<ExperimentStep>
    {
        public void Report(ExperimentStep value)
        {
        }
    }
}
