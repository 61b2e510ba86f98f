using System.Diagnostics;
using System.Net;
using Katib.Algorithms.Random;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Pushing;
using Katib.Coordinator.Storage;
using Katib.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Katib.Benchmarks;

/// <summary>How many observations trials can push in a second, each in a request of its own and saved before it is answered.</summary>
internal static class PushBenchmark
{
    private const int Writers = 200;
    private const int Points = 100_000;

    public static async Task RunAsync(string? store)
    {
        Figures.Title(FormattableString.Invariant(
            $"push: {Points} observations by {Writers} writers at once, each in a POST of its own, against a server that answers and does nothing"));
        var folder = Directory.CreateTempSubdirectory("katib-bench-");
        try
        {
            var location = store is null
                ? StoreLocation.OfFile(Path.Combine(folder.FullName, "katib.db"))
                : StoreLocation.Parse(store, Path.Combine(folder.FullName, "trials"));
            var baseline = await NothingAsync();
            var (single, batched) = await PushAsync(location, folder.FullName);
            Figures.Baseline("nothing is done", baseline, "posts/s");
            Figures.Print($"saved in {(store is null ? "SQLite" : "the server of --store")}, one a POST", single, "points/s", baseline);
            Figures.Print("the same, 20 a POST", batched, "points/s", baseline);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<double> NothingAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        _ = app.MapPost("/", static () => Results.Ok());
        await app.StartAsync();
        var url = app.Urls.Single();
        return await TimeAsync(_ => (url, "none"), static (writer, i) => $"loss={i}&step={i}", Points / Writers, 1);
    }

    /// <summary>A real experiment whose trials only wait; what they were told is used from here.</summary>
    private static async Task<(double Single, double Batched)> PushAsync(StoreLocation location, string folder)
    {
        await using var service = SuggestionHost.Build("random", new RandomSearch(), new(IPAddress.Loopback, 0));
        await service.StartAsync();
        var endpoint = new Uri(service.Urls.Single());
        await using var push = await PushServer.StartAsync(
            PushOptions.Local(Path.Combine(folder, "push.ports"), allowAnonymous: false), location, null, static _ => { }, TimeProvider.System, default);
        var spec = Given.Experiment("push", Writers, Writers, parameters: 3, """printf %s "$KATIB_PUSH_URL $KATIB_PUSH_TOKEN" > told.$KATIB_TRIAL_NAME; sleep 3600""") with
        {
            MetricsCollector = new(CollectorKind.Push, "/metrics", MetricsFormat.Text, []),
        };
        using var end = new CancellationTokenSource();
        ExperimentLoop? running = null;
        var run = new ExperimentSession(location, TimeProvider.System) { Push = push }.RunAsync(
            new(spec, folder, [], Fresh: true),
            (_, _) => Task.FromResult(endpoint),
            (loop, token) => (running = loop).RunAsync(token),
            new Progress<ExperimentStep>(),
            end.Token);
        while (Directory.GetFiles(folder, "told.*").Count(static f => new FileInfo(f).Length > 0) < Writers)
        {
            await Task.Delay(100);
        }

        (string Url, string Token)[] told =
        [
            .. Directory.GetFiles(folder, "told.*").Order(StringComparer.Ordinal).Select(static f => File.ReadAllText(f).Split(' ')).Select(static t => (t[0], t[1])),
        ];
        const int Batch = 20;
        var single = await TimeAsync(
            writer => told[writer], static (_, i) => FormattableString.Invariant($"loss={i}&step={i}"), Points / Writers, 1);
        var batched = await TimeAsync(
            writer => told[writer],
            static (_, i) => $"[{string.Join(',', Enumerable.Range(0, Batch).Select(k => FormattableString.Invariant($"{{\"loss\":{k},\"step\":{1_000_000 + (i * Batch) + k}}}")))}]",
            Points / Writers / Batch,
            Batch);
        var counts = running!.State.Trials.Select(static t => t.Observation.Metrics[0].Count).Distinct().ToArray();
        await end.CancelAsync();
        await ((Task)run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return counts is [2 * (Points / Writers)]
            ? (single, batched)
            : throw new InvalidOperationException($"Of {2 * Points / Writers} observations of a trial there are {string.Join(" or ", counts)}.");
    }

    private static async Task<double> TimeAsync(
        Func<int, (string Url, string Token)> addressOf, Func<int, int, string> bodyOf, int posts, int pointsInPost)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = Writers, UseProxy = false };
        using var http = new HttpClient(handler);
        var begun = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var (url, token) = addressOf(writer);
            for (var i = 0; i < posts; i++)
            {
                var body = bodyOf(writer, i);
                using var request = new HttpRequestMessage(HttpMethod.Post, url)
                {
                    Content = new StringContent(
                        body, System.Text.Encoding.UTF8, body[0] is '[' ? "application/json" : "application/x-www-form-urlencoded"),
                };
                request.Headers.Authorization = new("Bearer", token);
                using var answer = await http.SendAsync(request);
                _ = answer.EnsureSuccessStatusCode();
            }
        })));
        return Writers * (double)posts * pointsInPost / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}
