using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Katib.Algorithms.EarlyStopping;
using Katib.Driver;
using Microsoft.AspNetCore.Builder;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>The EarlyStopping contract over real connections, before a DB manager of the test's.</summary>
public sealed class StoppingServiceTests : IAsyncLifetime
{
    private readonly ObservationLogs _logs = new();
    private readonly WebApplication _service = StoppingHost.Build(
        new(IPAddress.Loopback, 0), null, ("medianstop", new MedianStop()), ("asha", new SuccessiveHalving()));

    private WebApplication? _manager;
    private GrpcChannel? _channel;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Wire.EarlyStopping.EarlyStoppingClient Client => new(_channel);

    private string ManagerAddress => new Uri(_manager!.Urls.Single()).Authority;

    public async ValueTask InitializeAsync()
    {
        _manager = await _logs.ServeAsync(IPAddress.Loopback, Token);
        await _service.StartAsync(Token);
        _channel = GrpcChannel.ForAddress(_service.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        _channel!.Dispose();
        await _service.DisposeAsync();
        await _manager!.DisposeAsync();
    }

    /// <summary>Katib's case MS1.</summary>
    [Theory]
    [InlineData("medianstop", "min_trials_required=2 start_step=5", null)]
    [InlineData("unknown", "", "unknown algorithm name unknown")]
    [InlineData("medianstop", "unknown_conf=100 start_step=5", "unknown setting unknown_conf for algorithm medianstop")]
    [InlineData("medianstop", "min_trials_required=0 start_step=5", "min_trials_required must be greater than zero (>0)")]
    [InlineData("medianstop", "min_trials_required=2 start_step=0", "start_step must be greater or equal than one (>=1)")]
    [InlineData("asha", "reduction_factor=4", null)]
    public async Task Settings_are_validated(string name, string settings, string? refusal)
    {
        var request = new Wire.ValidateEarlyStoppingSettingsRequest { EarlyStopping = Spec(name, settings) };

        var status = await StatusOfAsync(async () => await Client.ValidateEarlyStoppingSettingsAsync(request, cancellationToken: Token));

        Assert.Equal(refusal is null ? StatusCode.OK : StatusCode.InvalidArgument, status.StatusCode);
        Assert.Equal(refusal ?? "", status.Detail);
    }

    /// <summary>Katib's case MS2: nobody is asked where nothing is to be known.</summary>
    [Fact]
    public async Task Without_ended_trials_there_are_no_rules()
    {
        var request = new Wire.GetEarlyStoppingRulesRequest
        {
            Experiment = new() { Name = "test" },
            DbManagerAddress = "katib-db-manager.kubeflow:6789",
            Trials = { new Wire.Trial(), new Wire.Trial() },
        };

        Assert.Empty((await Client.GetEarlyStoppingRulesAsync(request, cancellationToken: Token)).EarlyStoppingRules);
    }

    [Theory]
    [InlineData(Wire.ObjectiveType.Minimize, Wire.ComparisonType.Greater)]
    [InlineData(Wire.ObjectiveType.Maximize, Wire.ComparisonType.Less)]
    public async Task The_rule_follows_from_the_logs_whatever_the_order_of_the_trials(
        Wire.ObjectiveType type, Wire.ComparisonType comparison)
    {
        _logs.Of["t-1"] = ["1", "1", "50"];
        _logs.Of["t-2"] = ["nonsense", "2", "50"];
        _logs.Of["t-3"] = ["9", "9"];
        _logs.Of["t-4"] = ["100", "100"];
        var request = Request(type, "start_step=2", ["t-1", "t-2", "t-3"]);
        request.Trials.Add(TrialOf("t-4", Wire.TrialStatus.Types.TrialConditionType.Running));

        var reply = await Client.GetEarlyStoppingRulesAsync(request, cancellationToken: Token);
        var permuted = Request(type, "start_step=2", ["t-3", "t-1", "t-2"]);
        var again = await Client.GetEarlyStoppingRulesAsync(permuted, cancellationToken: Token);

        var rule = Assert.Single(reply.EarlyStoppingRules);
        Assert.Equal(("loss", "2.0", comparison, 2), (rule.Name, rule.Value, rule.Comparison, rule.StartStep));
        Assert.Equal(reply.ToByteArray(), again.ToByteArray());

        // What has ended is read once, with the caller's authorization.
        Assert.Equal(3, _logs.Calls.Count);
        Assert.All(_logs.Calls, static c => Assert.Equal(("loss", null), (c.Metric, c.Authorization)));
        _ = await Client.GetEarlyStoppingRulesAsync(
            Request(type, "start_step=1", ["t-1"]), new Metadata { { "authorization", "Bearer reader" } }, cancellationToken: Token);
        Assert.Equal("Bearer reader", _logs.Calls.Last().Authorization);
    }

    [Fact]
    public async Task Successive_halving_compares_with_what_still_runs()
    {
        foreach (var i in Enumerable.Range(1, 6))
        {
            _logs.Of[$"t-{i}"] = [$"{i}", $"{i}", $"{i}"];
        }

        var request = Request(Wire.ObjectiveType.Minimize, "", ["t-1", "t-2", "t-3"], "asha");
        request.Trials.Add(Enumerable.Range(4, 3).Select(static i => TrialOf($"t-{i}", Wire.TrialStatus.Types.TrialConditionType.Running)));

        var rules = (await Client.GetEarlyStoppingRulesAsync(request, cancellationToken: Token)).EarlyStoppingRules;

        Assert.Equal([("2.0", 1), ("2.0", 3)], rules.Select(static r => (r.Value, r.StartStep)));
    }

    [Theory]
    [InlineData("", StatusCode.InvalidArgument, "db_manager_address '' must be HOST:PORT")]
    [InlineData("http://here:80/path", StatusCode.InvalidArgument, "must be HOST:PORT")]
    [InlineData("ftp://here:80", StatusCode.InvalidArgument, "must be HOST:PORT")]
    [InlineData("127.0.0.1:1", StatusCode.Unavailable, "The DB manager at 127.0.0.1:1 did not tell what the trial 't-1' has reported")]
    public async Task A_manager_that_cannot_be_asked_is_named(string address, StatusCode code, string words)
    {
        var request = Request(Wire.ObjectiveType.Minimize, "", ["t-1"]);
        request.DbManagerAddress = address;

        var status = await StatusOfAsync(async () => await Client.GetEarlyStoppingRulesAsync(request, cancellationToken: Token));

        Assert.Equal(code, status.StatusCode);
        Assert.Contains(words, status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manager_that_refuses_is_one_that_may_be_asked_again()
    {
        _logs.Refusal = new(StatusCode.PermissionDenied, "not you");

        var status = await StatusOfAsync(async () => await Client.GetEarlyStoppingRulesAsync(
            Request(Wire.ObjectiveType.Minimize, "", ["t-1"]), cancellationToken: Token));

        Assert.Equal(StatusCode.Unavailable, status.StatusCode);
        Assert.Contains("PermissionDenied: not you", status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_of_a_cluster_no_status_can_be_set()
    {
        var status = await StatusOfAsync(async () => await Client.SetTrialStatusAsync(new() { TrialName = "t-1" }, cancellationToken: Token));
        var wrong = await StatusOfAsync(async () => await Client.SetTrialStatusAsync(new() { TrialName = "../t" }, cancellationToken: Token));

        Assert.Equal(StatusCode.FailedPrecondition, status.StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, wrong.StatusCode);
    }

    [Theory]
    [InlineData("manager.v1beta1.EarlyStopping")]
    [InlineData("api.v1.beta1.EarlyStopping")]
    [InlineData("")]
    public async Task It_serves_under_every_name_that_is_asked_for(string name)
    {
        var reply = await new Health.HealthClient(_channel).CheckAsync(new() { Service = name }, cancellationToken: Token);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, reply.Status);
    }

    private static async Task<Status> StatusOfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return Status.DefaultSuccess;
        }
        catch (RpcException refused)
        {
            return refused.Status;
        }
    }

    private static Wire.EarlyStoppingSpec Spec(string name, string settings)
    {
        var spec = new Wire.EarlyStoppingSpec { AlgorithmName = name };
        spec.AlgorithmSettings.Add(settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static s => s.Split('='))
            .Select(static s => new Wire.EarlyStoppingSetting { Name = s[0], Value = s[1] }));
        return spec;
    }

    private static Wire.Trial TrialOf(string name, Wire.TrialStatus.Types.TrialConditionType condition) => new()
    {
        Name = name,
        Status = new()
        {
            Condition = condition,
            CompletionTime = condition is Wire.TrialStatus.Types.TrialConditionType.Running ? "" : "2026-01-31T12:00:00Z",
        },
    };

    private Wire.GetEarlyStoppingRulesRequest Request(
        Wire.ObjectiveType type, string settings, string[] succeeded, string name = "medianstop")
    {
        var request = new Wire.GetEarlyStoppingRulesRequest
        {
            Experiment = new()
            {
                Name = "test",
                Spec = new() { Objective = new() { Type = type, ObjectiveMetricName = "loss" }, EarlyStopping = Spec(name, settings) },
            },
            DbManagerAddress = ManagerAddress,
        };
        request.Trials.Add(succeeded.Select(static s => TrialOf(s, Wire.TrialStatus.Types.TrialConditionType.Succeeded)));
        return request;
    }
}
