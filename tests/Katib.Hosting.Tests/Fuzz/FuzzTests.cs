using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Grpc.Core;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using static Katib.Hosting.Tests.Requests;

namespace Katib.Hosting.Tests.Fuzz;

/// <summary>
/// Whatever is sent, a service answers in time, blames the sender and not itself, and goes on serving. A failure names the
/// seed of its request.
/// </summary>
public sealed class FuzzTests
{
    private const int AtOnce = 4;

    /// <summary>What a call may take before its deadline ends it; and then the search must end soon.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Overrun = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Status codes that tell the caller what is wrong with the call; none of them tells of a fault of ours.</summary>
    private static readonly StatusCode[] Answers =
    [
        StatusCode.OK, StatusCode.InvalidArgument, StatusCode.OutOfRange, StatusCode.ResourceExhausted,
        StatusCode.Unimplemented, StatusCode.DeadlineExceeded,
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("random", 1, 1_500, 45_000)]
    [InlineData("grid", 2, 1_500, 45_000)]
    [InlineData("bayesianoptimization", 3, 600, 15_000)]
    public Task Malformed_and_hostile_requests_are_answered_and_harm_nobody(string algorithm, int seed, int small, int full) =>
        SendAsync(algorithm, (ulong)seed << 32, TestSize.Of(small, full), HostileRequest.From);

    [Theory]
    [InlineData("random", 4)]
    [InlineData("grid", 5)]
    [InlineData("bayesianoptimization", 6)]
    public Task Requests_of_absurd_size_are_answered_and_harm_nobody(string algorithm, int seed) =>
        SendAsync(algorithm, (ulong)seed << 32, TestSize.Of(small: 8, full: 200), HostileRequest.Absurd);

    private static async Task SendAsync(
        string algorithm, ulong firstSeed, int count, Func<string, ulong, HostileRequest> make)
    {
        var watched = new Watched(algorithm switch
        {
            "grid" => new GridSearch(),
            "random" => new RandomSearch(),
            _ => new BayesianOptimization(),
        });
        await using var service = await KestrelReplica.StartAsync(algorithm, watched, Token);
        using var http = new HttpClient { BaseAddress = service.Address, Timeout = Patience };
        var answers = new ConcurrentDictionary<StatusCode, int>();
        var failures = new ConcurrentQueue<string>();
        var slowest = TimeSpan.Zero;
        var before = GC.GetTotalMemory(forceFullCollection: true);

        await Parallel.ForEachAsync(
            Enumerable.Range(0, count).Select(i => firstSeed + (ulong)i),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Token },
            async (seed, token) =>
            {
                var begun = Stopwatch.GetTimestamp();
                var status = await AnswerAsync(http, make(algorithm, seed), token);
                slowest = Stopwatch.GetElapsedTime(begun) is var took && took > slowest ? took : slowest;
                if (!Answers.Contains(status.StatusCode))
                {
                    failures.Enqueue($"seed {seed}: {status}");
                }

                _ = answers.AddOrUpdate(status.StatusCode, 1, static (_, n) => n + 1);
            });
        var sane = await service.Client.GetSuggestionsAsync(
            Ask(Experiment(algorithm, Real("a", "0", "1", "0.1")), 2),
            deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Patience,
            cancellationToken: Token);
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;

        var summary = string.Join(", ", answers.Select(static a => $"{a.Value} {a.Key}"));
        TestContext.Current.SendDiagnosticMessage(
            "{0}: {1}; slowest {2:0.0} s, longest overrun {3:0} ms, {4:0.0} MiB kept, {5} MiB peak",
            algorithm,
            summary,
            slowest.TotalSeconds,
            watched.LongestOverrun.TotalMilliseconds,
            kept / 1048576.0,
            Process.GetCurrentProcess().PeakWorkingSet64 / 1048576);
        Assert.True(failures.IsEmpty, string.Join('\n', failures.Take(20)));
        Assert.Equal(2, sane.ParameterAssignments.Count);
        Assert.InRange(watched.LongestOverrun, TimeSpan.Zero, Overrun);
        Assert.InRange(kept, long.MinValue, 64 * 1024 * 1024);
    }

    private static async Task<Status> AnswerAsync(HttpClient http, HostileRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, $"/api.v1.beta1.Suggestion/{request.Method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(request.Body) { Headers = { ContentType = new(request.ContentType) } },
        };
        message.Headers.Add("TE", "trailers");
        foreach (var (name, value) in request.Headers)
        {
            _ = message.Headers.TryAddWithoutValidation(name, value);
        }

        if (!message.Headers.Contains("grpc-timeout"))
        {
            message.Headers.Add("grpc-timeout", FormattableString.Invariant($"{(int)Deadline.TotalSeconds}S"));
        }

        try
        {
            using var response = await http.SendAsync(message, cancellationToken);
            if (response.StatusCode is HttpStatusCode.UnsupportedMediaType or HttpStatusCode.NotFound)
            {
                return new(StatusCode.Unimplemented, response.StatusCode.ToString());
            }

            var code = HeaderOf(response, "grpc-status");
            return int.TryParse(code, CultureInfo.InvariantCulture, out var number)
                ? new((StatusCode)number, HeaderOf(response, "grpc-message"))
                : new(StatusCode.Unknown, $"HTTP {response.StatusCode} without a status");
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            return new(StatusCode.Unknown, $"no answer: {failure}");
        }
    }

    private static string HeaderOf(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.TrailingHeaders.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : "";
}
