using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;

namespace Katib.Benchmarks;

/// <summary>How long the commands that read a large store take, as whole processes.</summary>
internal static class StoreBenchmark
{
    private const int Trials = 20_000;
    private const int Rounds = 5;
    private const string Name = "large";

    public static async Task RunAsync(Programs programs)
    {
        var katib = await programs.KatibAsync();
        var file = Path.Combine(programs.Scratch, "large.db");
        await FillAsync(file);
        Figures.Title(
            $"store: whole katib processes with {Trials} trials of 10 parameters in the store, median of {Rounds}, against katib --help");
        var baseline = await MedianAsync(katib, "--help");
        Figures.Baseline("katib --help", baseline, "ms");
        Figures.Print("katib status NAME", await MedianAsync(katib, "status", Name, "--store", file), "ms", baseline);
        Figures.Print("katib best NAME", await MedianAsync(katib, "best", Name, "--store", file), "ms", baseline);
        Figures.Print("katib export NAME --csv", await MedianAsync(katib, "export", Name, "--csv", "--store", file), "ms", baseline);
    }

    private static async Task FillAsync(string file)
    {
        var spec = Given.Experiment(Name, Trials, parallel: 3, parameters: 10);
        var now = TimeProvider.System.GetUtcNow();
        var running = Conditions.Begin(now);
        await using var store = await ExperimentStore.OpenAsync(
            StoreLocation.OfFile(file), TimeProvider.System, isPatient: false, CancellationToken.None);
        var stored = await store.CreateAsync(
            spec,
            Path.GetDirectoryName(file)!,
            RunnerKind.Process,
            new([], now, EndedAt: null, running, []),
            CancellationToken.None);
        ImmutableArray<TrialState> trials = [.. Enumerable.Range(1, Trials).Select(number => Trial(number, now))];
        var ended = running.End(Outcome.MaxTrialsReached, now);
        await store.AddTrialsAsync(
            stored.Id, new(trials, now, now, ended, [], Outcome.MaxTrialsReached), trials, CancellationToken.None);
    }

    private static TrialState Trial(int number, DateTimeOffset now) => new(
        FormattableString.Invariant($"{Name}-{number:0000}"),
        number,
        Given.Assignments(number),
        TrialStatus.Succeeded,
        Attempt: 1,
        "TrialSucceeded",
        "Trial has succeeded",
        now,
        now,
        now,
        Observation.Of([Given.Metric]).Add(new MetricPoint(Given.Metric, FormattableString.Invariant($"0.{number}"), now)));

    private static async Task<double> MedianAsync(string program, params string[] arguments)
    {
        var values = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            values.Add(await Programs.TimeAsync(program, arguments));
        }

        return Figures.Median(values);
    }
}
