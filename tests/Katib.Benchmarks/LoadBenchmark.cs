using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Katib.Benchmarks;

/// <summary>How many calls a service answers when clients ask without a pause, each for an experiment of its own.</summary>
/// <remarks>
/// The clients share the machine with the service; they send and take bytes, so as not to be the bottleneck. Random search
/// is asked the same again and again, Bayesian optimisation with one more trial in each call.
/// </remarks>
internal static class LoadBenchmark
{
    private const int Trials = 100;
    private const int Clients = 8;

    /// <summary>As many parameters as Katib's examples have, and many.</summary>
    private const int Few = 3;
    private const int Many = 10;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(10);

    private static readonly Method<byte[], byte[]> Suggest = new(
        MethodType.Unary, "api.v1.beta1.Suggestion", "GetSuggestions", Marshallers.Create(Raw, Raw), Marshallers.Create(Raw, Raw));

    private static readonly Method<byte[], byte[]> Check = new(
        MethodType.Unary, "grpc.health.v1.Health", "Check", Marshallers.Create(Raw, Raw), Marshallers.Create(Raw, Raw));

    public static async Task RunAsync(Programs programs)
    {
        Figures.Title($"load: calls with {Trials} trials, each client on a connection of its own, against health checks");
        foreach (var parameters in (int[])[Few, Many])
        {
            await CompareAsync(programs, "Random", "random", parameters, clients: 1, isGrowing: false);
            await CompareAsync(programs, "Random", "random", parameters, Clients, isGrowing: false);
        }

        await CompareAsync(programs, "Bayesian", "bayesianoptimization", Many, Clients, isGrowing: true);
    }

    private static async Task CompareAsync(
        Programs programs, string service, string algorithm, int parameters, int clients, bool isGrowing)
    {
        using var running = await NativeService.StartAsync(await programs.ServiceAsync(service));
        var health = await MeasureAsync(running, clients, Check, static _ => _ => []);
        var suggest = await MeasureAsync(running, clients, Suggest, client => Requests(algorithm, parameters, client, isGrowing));
        var who = FormattableString.Invariant($"{service}, {parameters} parameters, {clients} client{(clients > 1 ? "s" : "")}");
        Figures.Baseline($"health checks, {clients} clients", health.Rate, "1/s");
        Figures.Print(who, suggest.Rate, "1/s", health.Rate);
        Figures.Print($"{who}, p50", Figures.Median(suggest.Times), "ms", Figures.Median(health.Times));
        Figures.Print($"{who}, p99", Figures.Quantile(suggest.Times, 0.99), "ms", Figures.Quantile(health.Times, 0.99));
        Figures.Print($"{who}, the service's CPU for a call", suggest.Cpu, "ms", health.Cpu);
    }

    /// <summary>What a client sends in its n-th call.</summary>
    private static Func<int, byte[]> Requests(string algorithm, int parameters, int client, bool isGrowing)
    {
        var first = Bytes(0);
        return isGrowing ? Bytes : _ => first;

        byte[] Bytes(int more)
        {
            var request = Given.Request(Trials + more, parameters);
            request.Experiment.Spec.Algorithm.AlgorithmName = algorithm;
            request.Experiment.Name = FormattableString.Invariant($"load-{client}");
            return request.ToByteArray();
        }
    }

    private static async Task<(double Rate, List<double> Times, double Cpu)> MeasureAsync(
        NativeService service, int clients, Method<byte[], byte[]> method, Func<int, Func<int, byte[]>> requests)
    {
        _ = await RunAsync(service.Endpoint, clients, method, requests, WarmUp);
        var (begun, cpu) = (Stopwatch.GetTimestamp(), service.Cpu);
        var times = await RunAsync(service.Endpoint, clients, method, requests, Time);
        return (
            times.Count / Stopwatch.GetElapsedTime(begun).TotalSeconds,
            times,
            (service.Cpu - cpu).TotalMilliseconds / times.Count);
    }

    private static async Task<List<double>> RunAsync(
        Uri endpoint, int clients, Method<byte[], byte[]> method, Func<int, Func<int, byte[]>> requests, TimeSpan time)
    {
        var all = new ConcurrentBag<List<double>>();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            using var channel = GrpcChannel.ForAddress(endpoint);
            var invoker = channel.CreateCallInvoker();
            var next = requests(client);
            var times = new List<double>();
            var begun = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(begun) < time)
            {
                var body = next(times.Count);
                var asked = Stopwatch.GetTimestamp();
                using var call = invoker.AsyncUnaryCall(method, host: null, default, body);
                _ = await call;
                times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            all.Add(times);
        })));
        return [.. all.SelectMany(static t => t)];
    }

    private static byte[] Raw(byte[] bytes) => bytes;
}
