using System.Diagnostics;
using Grpc.Core;
using Grpc.Health.V1;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>The services under Katib's default limits, half a processor and 100 MiB, with more than fits into them.</summary>
[Collection(SharedNativeServices.Name)]
public sealed class ContainerTests(NativeServices services)
{
    private const int Mebibyte = 1024 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>It is memory that is tested: half a processor, on a machine that is busy besides, may take minutes.</summary>
    private static DateTime Later => TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(10);

    [Theory]
    [InlineData("Random", "random")]
    [InlineData("Bayesian", "bayesianoptimization")]
    public async Task A_message_beyond_its_memory_is_refused_and_it_goes_on(string name, string algorithm)
    {
        Assert.SkipUnless(await ContainedService.MissingAsync() is null, await ContainedService.MissingAsync() ?? "");
        await using var service = await ContainedService.StartAsync(services, name, Token);
        var client = new Wire.Suggestion.SuggestionClient(service.Channel);
        var fits = Large(algorithm, trials: 20_000);
        var huge = fits.Clone();
        huge.Trials.Add(new Wire.Trial { Name = new('x', (64 * Mebibyte) - fits.CalculateSize() - 100) });

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.GetSuggestionsAsync(
            huge, deadline: Later, cancellationToken: Token));
        var reply = await client.GetSuggestionsAsync(fits, deadline: Later, cancellationToken: Token);

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("this instance has the memory to read", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(3, reply.ParameterAssignments.Count);
        await AssertUnharmedAsync(service, name);
    }

    [Theory]
    [InlineData("Random", "random")]
    [InlineData("Bayesian", "bayesianoptimization")]
    public async Task The_largest_messages_that_it_reads_fit_into_its_memory_many_at_once(string name, string algorithm)
    {
        Assert.SkipUnless(await ContainedService.MissingAsync() is null, await ContainedService.MissingAsync() ?? "");
        await using var service = await ContainedService.StartAsync(services, name, Token);
        var client = new Wire.Suggestion.SuggestionClient(service.Channel);
        var largest = Large(algorithm, trials: 28_000);

        var codes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => CodeOfAsync(
            async () => await client.GetSuggestionsAsync(largest, deadline: Later, cancellationToken: Token))));

        Assert.All(codes, static code => Assert.Equal(StatusCode.OK, code));
        await AssertUnharmedAsync(service, name);
    }

    [Fact]
    public async Task Under_a_flood_it_keeps_to_its_threads_and_memory_and_tells_its_health()
    {
        Assert.SkipUnless(await ContainedService.MissingAsync() is null, await ContainedService.MissingAsync() ?? "");
        await using var service = await ContainedService.StartAsync(services, "Bayesian", Token);
        var client = new Wire.Suggestion.SuggestionClient(service.Channel);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var flood = Enumerable.Range(0, 60).Select(i => FloodAsync(client, i, enough.Token)).ToArray();

        var times = new List<double>();
        for (var i = 0; i < TestSize.Of(small: 20, full: 200); i++)
        {
            var begun = Stopwatch.GetTimestamp();
            _ = await new Health.HealthClient(service.Channel).CheckAsync(new(), deadline: Later, cancellationToken: Token);
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            await Task.Delay(50, Token);
        }

        var threads = await service.StatusAsync("Threads");
        await enough.CancelAsync();
        var answered = (await Task.WhenAll(flood)).Sum();
        times.Sort();
        TestContext.Current.SendDiagnosticMessage(
            "health under load: p50 {0:0} ms, p99 {1:0} ms; {2} threads; {3} suggestions meanwhile",
            times[times.Count / 2],
            times[(int)(times.Count * 0.99)],
            threads,
            answered);
        Assert.InRange(times[times.Count / 2], 0, 1000);
        Assert.InRange(threads, 1, 20);
        await AssertUnharmedAsync(service, "Bayesian");
    }

    [Theory]
    [InlineData("Random", "random", 7)]
    [InlineData("Grid", "grid", 8)]
    [InlineData("Bayesian", "bayesianoptimization", 9)]
    public async Task Hostile_requests_do_not_exhaust_its_memory(string name, string algorithm, int seed)
    {
        Assert.SkipUnless(await ContainedService.MissingAsync() is null, await ContainedService.MissingAsync() ?? "");
        await using var service = await ContainedService.StartAsync(services, name, Token);
        var suggestions = new Method<byte[], byte[]>(
            MethodType.Unary,
            "api.v1.beta1.Suggestion",
            "GetSuggestions",
            Marshallers.Create(static b => b, static b => b),
            Marshallers.Create(static b => b, static b => b));
        var invoker = service.Channel.CreateCallInvoker();

        await Parallel.ForEachAsync(
            Enumerable.Range(0, TestSize.Of(small: 300, full: 5_000)),
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Token },
            async (i, token) =>
            {
                var made = ((ulong)seed << 32) + (ulong)i;
                var request = i % 30 is 0
                    ? Fuzz.HostileRequest.Absurd(algorithm, made)
                    : Fuzz.HostileRequest.From(algorithm, made);
                _ = await CodeOfAsync(async () => await invoker.AsyncUnaryCall(
                    suggestions, null, new(deadline: Later, cancellationToken: token), request.Body[Math.Min(5, request.Body.Length)..]));
            });

        await AssertUnharmedAsync(service, name);
    }

    private static async Task<int> FloodAsync(
        Wire.Suggestion.SuggestionClient client, int number, CancellationToken enough)
    {
        var request = Large("bayesianoptimization", trials: 300, parameters: 8, t => (t + number) % 97 / 97.0);
        request.Experiment.Name = $"study-{number}";
        var answered = 0;
        while (!enough.IsCancellationRequested)
        {
            var code = await CodeOfAsync(async () => await client.GetSuggestionsAsync(request, cancellationToken: enough));
            answered += code is StatusCode.OK ? 1 : 0;
        }

        return answered;
    }

    private static async Task<StatusCode> CodeOfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return StatusCode.OK;
        }
        catch (RpcException refused)
        {
            return refused.StatusCode;
        }
    }

    private static async Task AssertUnharmedAsync(ContainedService service, string name)
    {
        TestContext.Current.SendDiagnosticMessage(
            "{0}: peak {1:0.0} MiB", name, await service.StatusAsync("VmHWM") / 1024.0);
        Assert.Equal("running, restarts 0, OOM false", await service.StateAsync());
    }
}
