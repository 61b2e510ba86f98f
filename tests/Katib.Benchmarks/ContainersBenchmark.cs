using System.Globalization;
using Katib.Driver;

namespace Katib.Benchmarks;

/// <summary>What an algorithm takes inside the limits that Katib gives it: the table of the README.</summary>
internal static class ContainersBenchmark
{
    private const string Base = "mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled";
    private const int Rounds = 5;
    private const int Trials = 1000;
    private const int Parameters = 20;
    private const int Parallel = 10;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);

    private static readonly (string Image, string? Algorithm)[] Services =
    [
        ("katib-earlystopping-medianstop", null),
        ("katib-suggestion-random", "random"),
        ("katib-suggestion-grid", "grid"),
        ("katib-suggestion-bayesian", "bayesianoptimization"),
    ];

    public static async Task RunAsync()
    {
        Figures.Title(FormattableString.Invariant(
            $"containers: 0.5 CPU and 100 MiB; start to SERVING, median of {Rounds}; {Trials} trials of {Parameters} parameters"));
        if (DockerCommand.Missing is { } missing)
        {
            Figures.Note(missing);
            return;
        }

        var tag = Environment.GetEnvironmentVariable("KATIB_TAG") is { Length: > 0 } given ? given : "latest";
        Console.WriteLine("| Service | Own layers, MB | Start to SERVING, s | Idle RSS, MiB | Peak, MiB | Restarts |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach (var (image, algorithm) in Services)
        {
            Console.WriteLine(await RowAsync($"{image}:{tag}", algorithm));
        }
    }

    /// <param name="image">The image.</param>
    /// <param name="algorithm">What is asked for the points of an experiment; null for a service that has none.</param>
    private static async Task<string> RowAsync(string image, string? algorithm)
    {
        var layers = (await SizeAsync(image) - await SizeAsync(Base)) / 1e6;
        var starts = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            await using var fresh = await ContainerReplica.StartAsync(image, CancellationToken.None);
            starts.Add(fresh.TimeToServing.TotalSeconds);
        }

        await using var service = await ContainerReplica.StartAsync(image, CancellationToken.None);
        await Task.Delay(Idle);
        var idle = await service.ResidentMebibytesAsync(CancellationToken.None);
        if (algorithm is not null)
        {
            await DriveAsync(service, algorithm);
        }

        var peak = await service.PeakMebibytesAsync(CancellationToken.None);
        var restarts = await service.InspectAsync(".RestartCount", CancellationToken.None);
        return FormattableString.Invariant(
            $"| `{algorithm ?? image}` | {layers:0.0} | {Figures.Median(starts):0.00} | {idle:0} | {peak:0} | {restarts} |");
    }

    private static async Task DriveAsync(ContainerReplica service, string algorithm)
    {
        var driver = new ControllerDriver
        {
            Experiment = WideExperiment.Of(algorithm, Parameters, Trials, Parallel),
            Seed = 1,
            Objective = WideExperiment.Loss,
        };
        var report = await driver.RunAsync([service], CancellationToken.None);
        if (!report.Succeeded || !report.Refusals.IsEmpty)
        {
            throw new InvalidOperationException($"{algorithm}: {string.Join('\n', report.Refusals)}");
        }
    }

    private static async Task<double> SizeAsync(string image) => double.Parse(
        await DockerCommand.RunAsync(CancellationToken.None, "image", "inspect", "--format", "{{.Size}}", image),
        CultureInfo.InvariantCulture);
}
