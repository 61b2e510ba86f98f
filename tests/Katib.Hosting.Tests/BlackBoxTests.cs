using Google.Protobuf;
using Grpc.Core;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;
using WireCondition = Api.V1.Beta1.TrialStatus.Types.TrialConditionType;

namespace Katib.Hosting.Tests;

/// <summary>What every Suggestion service owes its caller, whatever the algorithm; each against two replicas.</summary>
public sealed class BlackBoxTests : IAsyncLifetime
{
    private readonly Dictionary<string, (KestrelReplica First, KestrelReplica Second)> _replicas = [];

    public static TheoryData<string> Algorithms => ["random", "grid", "bayesianoptimization"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (string Name, Func<ISearchAlgorithm> Algorithm)[] served =
        [
            ("random", static () => new RandomSearch()),
            ("grid", static () => new GridSearch()),
            ("bayesianoptimization", static () => new BayesianOptimization()),
        ];
        foreach (var (name, algorithm) in served)
        {
            _replicas[name] = (
                await KestrelReplica.StartAsync(name, algorithm, Token),
                await KestrelReplica.StartAsync(name, algorithm, Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (first, second) in _replicas.Values)
        {
            await first.DisposeAsync();
            await second.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Asking_for_nothing_gets_nothing(string algorithm)
    {
        var reply = await AskFirstAsync(algorithm, Ask(Mixed(algorithm), 0));

        Assert.Equal(new Wire.GetSuggestionsReply(), reply);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task The_same_request_gets_the_same_bytes_from_every_replica(string algorithm)
    {
        var request = Ask(Mixed(algorithm), 7, await SomeTrialsAsync(algorithm));

        var replies = new[]
        {
            await AskFirstAsync(algorithm, request),
            await AskFirstAsync(algorithm, request),
            await AskSecondAsync(algorithm, request),
        };

        Assert.Equal(7, replies[0].ParameterAssignments.Count);
        Assert.Single(replies.Select(static r => r.ToByteString()).Distinct());
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task The_order_of_the_trials_does_not_matter(string algorithm)
    {
        var trials = (await SomeTrialsAsync(algorithm)).ToArray();

        var ordered = await AskFirstAsync(algorithm, Ask(Mixed(algorithm), 7, trials));
        var turned = await AskFirstAsync(algorithm, Ask(Mixed(algorithm), 7, trials.Reverse()));
        var rotated = await AskSecondAsync(algorithm, Ask(Mixed(algorithm), 7, trials[5..].Concat(trials[..5])));

        Assert.Equal(ordered.ToByteString(), turned.ToByteString());
        Assert.Equal(ordered.ToByteString(), rotated.ToByteString());
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Two_replicas_asked_in_turn_go_on_as_one_would(string algorithm)
    {
        var experiment = Mixed(algorithm);
        var trials = new List<Wire.Trial>();

        var lines = new List<string>();
        for (var round = 0; round < 10; round++)
        {
            var request = Ask(experiment, 1 + (round % 4), trials);
            var reply = round % 2 is 0
                ? await AskFirstAsync(algorithm, request)
                : await AskSecondAsync(algorithm, request);
            lines.AddRange(reply.Lines());
            trials.InsertRange(0, TrialsOf(reply, trials.Count));
        }

        var atOnce = await AskFirstAsync(algorithm, Ask(experiment, lines.Count));
        Assert.Distinct(lines);
        Assert.Equal(atOnce.Lines(), lines);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Every_value_lies_in_its_range_and_is_spelt_as_Katib_spells(string algorithm)
    {
        var reply = await AskFirstAsync(algorithm, Ask(Mixed(algorithm), 50));

        Assert.All(reply.ParameterAssignments, static suggested =>
        {
            Assert.Equal(["lr", "layers", "momentum", "optimizer"], suggested.Assignments.Select(static a => a.Name));
            var values = suggested.Assignments.Select(static a => a.Value).ToArray();
            Assert.Matches(@"^0\.[0-9]+$|^1\.0$", values[0]);
            Assert.Contains(values[1], (string[])["1", "2", "3", "4", "5"]);
            Assert.Contains(values[2], (string[])["0.50", "0.9", "0.99"]);
            Assert.Contains(values[3], (string[])["sgd", "adam"]);
        });
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Trials_of_every_state_and_metric_are_tolerated_and_passed_over(string algorithm)
    {
        var trials = (await SomeTrialsAsync(algorithm)).ToArray();
        var conditions = Enum.GetValues<WireCondition>().Append((WireCondition)99).ToArray();
        string[] metrics = ["NaN", "", "unavailable", "Infinity", "-1e999", "0.5"];
        for (var i = 0; i < trials.Length; i++)
        {
            trials[i].Status = new() { Condition = conditions[i % conditions.Length], Observation = new() };
            trials[i].Status.Observation.Metrics.Add(
                new Wire.Metric { Name = i % 5 is 0 ? "unknown" : "loss", Value = metrics[i % metrics.Length] });
        }

        var odd = new[] { new Wire.Trial(), Trial(("lr", "fast")), Trial(("other", "1")) };
        var request = Ask(Mixed(algorithm), 9, trials.Concat(odd));
        var reply = await AskFirstAsync(algorithm, request);

        Assert.Equal(9, reply.ParameterAssignments.Count);
        Assert.Distinct(reply.Lines().Concat(new Wire.GetSuggestionsReply
        {
            ParameterAssignments =
            {
                trials.Select(static t => new Wire.GetSuggestionsReply.Types.ParameterAssignments
                {
                    Assignments = { t.Spec.ParameterAssignments.Assignments },
                }),
            },
        }.Lines()));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task A_service_that_starts_anew_goes_on(string algorithm)
    {
        var request = Ask(Mixed(algorithm), 4, await SomeTrialsAsync(algorithm));

        var before = await AskFirstAsync(algorithm, request);
        await _replicas[algorithm].First.RestartAsync(Token);
        var after = await AskFirstAsync(algorithm, request);

        Assert.Equal(before, after);
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task A_request_of_20000_trials_of_10_parameters_is_answered(string algorithm)
    {
        var request = Large(algorithm);

        var reply = await AskFirstAsync(algorithm, request);

        Assert.True(request.CalculateSize() > 4 * 1024 * 1024, "The request should exceed gRPC's usual limit.");
        Assert.Equal(3, reply.ParameterAssignments.Count);
    }

    [Fact]
    public async Task Large_requests_on_one_connection_do_not_starve_each_other()
    {
        var request = Large("random", trials: 10_000);

        // Each waits while the one before is in work; the data of those that wait must not fill the connection.
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AskFirstAsync("random", request)));

        Assert.All(replies, static r => Assert.Equal(3, r.ParameterAssignments.Count));
    }

    [Fact]
    public async Task A_grid_ends_with_all_its_points_a_filled_reply_and_then_OUT_OF_RANGE()
    {
        var experiment = Experiment("grid", Categorical("a", "x", "y", "z"), Whole("b", "1", "2"));

        var first = await AskFirstAsync("grid", Ask(experiment, 4));
        var last = await AskSecondAsync("grid", Ask(experiment, 4, TrialsOf(first)));
        var refused = await Assert.ThrowsAsync<RpcException>(() =>
            AskFirstAsync("grid", Ask(experiment, 1, TrialsOf(first).Concat(TrialsOf(last, 4)))));

        Assert.Equal(["a=x, b=1", "a=x, b=2", "a=y, b=1", "a=y, b=2"], first.Lines());
        Assert.Equal(["a=z, b=1", "a=z, b=2", "a=z, b=1", "a=z, b=2"], last.Lines());
        Assert.Equal(
            (StatusCode.OutOfRange, "all 6 combinations are suggested; set maxTrialCount to 6"),
            (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task A_trial_that_is_no_message_is_the_callers_mistake()
    {
        var malformed = new Katib.Proto.UnreadSuggestionsRequest
        {
            Experiment = Mixed("random"),
            CurrentRequestNumber = 1,
            Trials = { ByteString.CopyFrom(0x0a, 0x7f) },
        };
        var method = new Method<Katib.Proto.UnreadSuggestionsRequest, Wire.GetSuggestionsReply>(
            MethodType.Unary,
            "api.v1.beta1.Suggestion",
            "GetSuggestions",
            Marshallers.Create(static m => m.ToByteArray(), Katib.Proto.UnreadSuggestionsRequest.Parser.ParseFrom),
            Marshallers.Create(static m => m.ToByteArray(), Wire.GetSuggestionsReply.Parser.ParseFrom));
        var invoker = _replicas["random"].First.Channel.CreateCallInvoker();

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await invoker.AsyncUnaryCall(method, null, new(cancellationToken: Token), malformed));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.StartsWith("A trial of the request is malformed", refused.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>570 points on a grid, and for random, where lr has no step, a continuum.</summary>
    private static Wire.Experiment Mixed(string algorithm) => Experiment(
        algorithm,
        Real("lr", "0.1", "1", algorithm is "grid" ? "0.05" : ""),
        Whole("layers", "1", "5"),
        Discrete("momentum", "0.9", "0.50", "0.99"),
        Categorical("optimizer", "sgd", "adam"));

    private async Task<IEnumerable<Wire.Trial>> SomeTrialsAsync(string algorithm) =>
        TrialsOf(await AskFirstAsync(algorithm, Ask(Mixed(algorithm), 20)));

    private async Task<Wire.GetSuggestionsReply> AskFirstAsync(string algorithm, Wire.GetSuggestionsRequest request) =>
        await _replicas[algorithm].First.Client.GetSuggestionsAsync(request, cancellationToken: Token);

    private async Task<Wire.GetSuggestionsReply> AskSecondAsync(string algorithm, Wire.GetSuggestionsRequest request) =>
        await _replicas[algorithm].Second.Client.GetSuggestionsAsync(request, cancellationToken: Token);
}
