using Google.Protobuf;
using Katib.Driver;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>The shipped binaries, killed and doubled under a controller that must not notice.</summary>
[Collection(SharedNativeServices.Name)]
public sealed class ChaosTests(NativeServices services)
{
    private static readonly IReadOnlyDictionary<string, string> AsItIs = new Dictionary<string, string>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Random", "random")]
    [InlineData("Grid", "grid")]
    [InlineData("Bayesian", "bayesianoptimization")]
    public async Task Killed_before_every_call_it_suggests_what_it_would_have_suggested_undisturbed(
        string name, string algorithm)
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var service = await services.StartAsync(name, AsItIs, Token);
        var calls = 0;
        var driver = Driver(algorithm, parallel: 1) with { Answered = (_, _) => calls++ };

        var undisturbed = await driver.RunAsync([service], Token);
        calls = 0;
        var killed = await (driver with { Faults = new() { ServiceRestarted = 1 } }).RunAsync([service], Token);

        AssertSame(undisturbed, killed);
        Assert.True(calls >= killed.Trials.Length, $"{killed.Trials.Length} trials cannot come of {calls} calls.");
        Assert.Equal(calls, killed.Happened[nameof(Faults.ServiceRestarted)]);
    }

    [Theory]
    [InlineData("Random", "random")]
    [InlineData("Grid", "grid")]
    [InlineData("Bayesian", "bayesianoptimization")]
    public async Task Two_replicas_in_turn_behind_one_name_suggest_what_one_would(string name, string algorithm)
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var first = await services.StartAsync(name, AsItIs, Token);
        await using var second = await services.StartAsync(name, AsItIs, Token);
        var both = new InTurn(first, second);
        var driver = Driver(algorithm, parallel: 1);

        var alone = await driver.RunAsync([first], Token);
        var inTurn = await driver.RunAsync([both], Token);

        AssertSame(alone, inTurn);
        Assert.True(both.Calls > inTurn.Trials.Length);
    }

    /// <summary>With trials side by side a run depends on when they end; what was asked has one answer all the same.</summary>
    [Theory]
    [InlineData("Random", "random")]
    [InlineData("Grid", "grid")]
    [InlineData("Bayesian", "bayesianoptimization")]
    public async Task Recorded_requests_get_the_same_bytes_from_a_fresh_process_each(string name, string algorithm)
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var service = await services.StartAsync(name, AsItIs, Token);
        var recorded = new List<(Wire.GetSuggestionsRequest Request, ByteString Reply)>();
        var driver = Driver(algorithm, parallel: 4) with
        {
            Answered = (request, reply) => recorded.Add((request.Clone(), reply.ToByteString())),
        };

        _ = await driver.RunAsync([service], Token);

        foreach (var (request, reply) in recorded)
        {
            await service.RestartAsync(Token);
            using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(service.Address);
            var again = await new Wire.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(request, cancellationToken: Token);
            Assert.Equal(reply, again.ToByteString());
        }
    }

    private static void AssertSame(DriverReport expected, DriverReport actual)
    {
        Assert.True(expected.Succeeded && actual.Succeeded);
        Assert.Empty(actual.Problems);
        Assert.Empty(actual.Refusals);
        Assert.Empty(actual.Duplicates);
        Assert.Equal(expected.Sequence, actual.Sequence);
    }

    private static ControllerDriver Driver(string algorithm, int parallel)
    {
        var experiment = Experiment(
            algorithm,
            Real("lr", "0.001", "1", "0.001", Wire.Distribution.LogUniform),
            Whole("layers", "1", "8"),
            Categorical("optimizer", "sgd", "adam", "ftrl"));
        experiment.Spec.MaxTrialCount = TestSize.Of(small: 24, full: 200);
        experiment.Spec.ParallelTrialCount = parallel;
        return new() { Experiment = experiment, Seed = 11 };
    }

    /// <summary>One name for two instances: every connection comes to the one that it did not come to before.</summary>
    private sealed class InTurn(IReplica first, IReplica second) : IReplica
    {
        public int Calls { get; private set; }

        public Uri Address => Calls++ % 2 is 0 ? first.Address : second.Address;

        public Task RestartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
