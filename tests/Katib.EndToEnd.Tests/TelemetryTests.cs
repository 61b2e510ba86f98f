using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Otlp;

namespace Katib.EndToEnd.Tests;

/// <summary>What an operator's collector hears of the real programs.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private const string Secret = "never-to-be-told";

    private const int Server = (int)Otlp.Wire.Span.Types.Kind.Server;
    private const int Client = (int)Otlp.Wire.Span.Types.Kind.Client;

    /// <summary>Where it was built: beside the tests it would lack what these get from ASP.NET.</summary>
    private static readonly string Worker = Path.Combine(
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Katib.TracedWorker")),
        Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)),
        "Katib.TracedWorker.dll");

    private readonly Workplace _place = new();
    private OtlpReceiver _collector = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _collector = await OtlpReceiver.StartAsync(Token);
        _place.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = _collector.Endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        await _collector.DisposeAsync();
        _place.Dispose();
    }

    [Fact]
    public async Task Katib_the_algorithms_service_and_the_workers_tell_one_trace()
    {
        _place.Write("traced.yaml", Experiment(trials: 3, seconds: 0));
        var port = Workplace.FreePort();
        using var service = _place.Start("Katib.Suggestion.Random.dll", "--port", $"{port}");

        _ = (await _place.KatibAsync("run", "traced.yaml", "--endpoint", $"random=http://127.0.0.1:{port}")).Expect(0);
        await Workplace.SignalAsync(service, "TERM");
        _ = (await Workplace.EndAsync(service)).Expect(0);

        var spans = _collector.Spans;
        var root = Assert.Single(spans, static s => s.ParentId.Length is 0);
        Assert.Equal(("katib", "experiment traced"), (root.Service, root.Name));
        Assert.Equal("ExperimentMaxTrialsReached", root["katib.experiment.reason"]);
        Assert.All(spans, s => Assert.Equal(root.TraceId, s.TraceId));

        var calls = spans.Where(static s => (int)s.Span.Kind is Client).ToDictionary(static s => s.Id);
        var answers = spans.Where(static s => (int)s.Span.Kind is Server).ToArray();
        Assert.All(calls.Values, c => Assert.Equal(("katib", root.Id), (c.Service, c.ParentId)));
        Assert.Equal(calls.Keys.Order(), answers.Select(static a => a.ParentId).Order());
        Assert.All(answers, a =>
        {
            Assert.Equal("katib-suggestion-random", a.Service);
            Assert.Equal(calls[a.ParentId].Name, a.Name);
            Assert.Equal(("grpc", "OK", "random"), (a["rpc.system.name"], a["rpc.response.status_code"], a["katib.algorithm.name"]));
        });
        Assert.Contains(answers, static a => a is { Name: "api.v1.beta1.Suggestion/GetSuggestions" } && a["katib.suggestion.count"] is "3");

        var trials = spans.Where(static s => s["katib.trial.name"].Length > 0).ToDictionary(static s => s.Id);
        var workers = spans.Where(static s => s.Service is "worker").ToArray();
        Assert.Equal(["traced-0001", "traced-0002", "traced-0003"], trials.Values.Select(static t => t["katib.trial.name"]).Order());
        Assert.All(trials.Values, t => Assert.Equal(root.Id, t.ParentId));
        Assert.Equal(trials.Keys.Order(), workers.Select(static w => w.ParentId).Order());
        Assert.All(workers, w => Assert.InRange(
            w.Span.StartTimeUnixNano, trials[w.ParentId].Span.StartTimeUnixNano, trials[w.ParentId].Span.EndTimeUnixNano));
    }

    [Fact]
    public async Task The_metrics_and_logs_of_a_run_bear_their_names_and_no_secret_is_told()
    {
        _place.Write("traced.yaml", Experiment(trials: 3, seconds: 0));
        _place.Environment["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=test";

        _ = (await _place.KatibAsync("run", "traced.yaml")).Expect(0);

        var series = _collector.Series.Where(static s => s.Service is "katib").ToLookup(static s => s.Name);
        Assert.Contains(series["rpc.client.call.duration"], static s => s is { Unit: "s", Value: >= 1 }
            && s.Attributes["rpc.method"] is "api.v1.beta1.Suggestion/GetSuggestions"
            && s.Attributes["rpc.response.status_code"] is "OK"
            && s.Attributes["katib.algorithm.name"] is "random");
        Assert.Contains(series["rpc.server.call.duration"], static s => s is { Unit: "s", Value: >= 1 }
            && s.Attributes["rpc.method"] is "api.v1.beta1.Suggestion/GetSuggestions"
            && s.Attributes["katib.algorithm.name"] is "random");
        Assert.Contains(series["katib.suggestion.history"], static s => s.Value >= 1);
        Assert.Equal(3, Assert.Single(series["katib.trial.duration"], static s => s.Attributes["katib.trial.state"] is "Succeeded").Value);
        Assert.InRange(Assert.Single(series["process.memory.usage"]).Value, 10e6, 1e9);
        Assert.NotEmpty(series["process.cpu.time"]);

        var root = Assert.Single(_collector.Spans, static s => s.ParentId.Length is 0);
        var ended = _collector.Logs.Where(static l => l["Reason"] is "TrialSucceeded").ToArray();
        Assert.Equal(["traced-0001", "traced-0002", "traced-0003"], ended.Select(static l => l["Trial"]).Order());
        Assert.All(ended, l => Assert.Equal(("traced", root.TraceId), (l["Experiment"], l.TraceId)));

        Assert.Contains("deployment.environment.name", _collector.Everything, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, _collector.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_kill_9_the_next_katib_tells_the_trace_of_the_first_to_its_end()
    {
        _place.Write("traced.yaml", Experiment(trials: 2, seconds: 8));

        using (var killed = _place.Start("katib.dll", "run", "traced.yaml"))
        {
            await Workplace.UntilAsync("two trials run", () => _place.TrialProcesses().Count(static p => p.Contains("TracedWorker", StringComparison.Ordinal)) >= 2);
            await Workplace.SignalAsync(killed, "KILL");
            _ = (await Workplace.EndAsync(killed)).Expect(137);
        }

        _ = (await _place.KatibAsync("run", "traced.yaml")).Expect(0);

        var root = Assert.Single(_collector.Spans, static s => s.ParentId.Length is 0);
        var trials = _collector.Spans.Where(static s => s["katib.trial.name"].Length > 0).ToArray();
        var workers = _collector.Spans.Where(static s => s.Service is "worker").ToArray();
        Assert.All(_collector.Spans, s => Assert.Equal(root.TraceId, s.TraceId));
        Assert.Equal(["1", "1"], trials.Select(static t => t["katib.trial.attempt"]));
        Assert.Equal(trials.Select(static t => t.Id).Order(), workers.Select(static w => w.ParentId).Order());
        foreach (var trial in trials)
        {
            var log = await _place.KatibAsync("logs", trial["katib.trial.name"]);
            Assert.Contains($"traceparent 00-{root.TraceId}-{trial.Id}-01", log.Expect(0).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_an_endpoint_a_trial_gets_no_trace()
    {
        _place.Environment.Clear();
        _place.Write("ledger.yaml", Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0)
            .Replace("echo \"begin", "env; echo \"begin", StringComparison.Ordinal));

        _ = (await _place.KatibAsync("run", "ledger.yaml")).Expect(0);

        var log = (await _place.KatibAsync("logs", "ledger-0001")).Expect(0).Output;
        Assert.Contains("KATIB_TRIAL_NAME=ledger-0001", log, StringComparison.Ordinal);
        Assert.DoesNotContain("TRACEPARENT", log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]
    [InlineData("METRICS_PORT", "all")]
    public async Task A_variable_that_makes_no_sense_is_named(string variable, string value)
    {
        _place.Environment[variable] = value;
        _place.Write("ledger.yaml", Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0));

        var run = (await _place.KatibAsync("run", "ledger.yaml")).Expect(2);
        using var service = _place.Start("Katib.Suggestion.Random.dll", "--port", $"{Workplace.FreePort()}");
        var served = (await Workplace.EndAsync(service)).Expect(2);
        using var coordinator = _place.Start("Katib.Coordinator.dll", "--urls=http://127.0.0.1:0");
        var coordinated = (await Workplace.EndAsync(coordinator)).Expect(2);

        Assert.All([run, served, coordinated], s =>
        {
            Assert.StartsWith(variable, s.Error, StringComparison.Ordinal);
            Assert.Contains($"'{value}'", s.Error, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task The_coordinators_console_is_JSON_where_the_configuration_says_so()
    {
        _ = Directory.CreateDirectory(_place.PathOf("experiments"));
        _place.Write("experiments/ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0));
        _place.Environment["Logging__Console__FormatterName"] = "json";
        var port = Workplace.FreePort();
        using var service = _place.Start("Katib.Suggestion.Random.dll", "--port", $"{port}");
        using var coordinator = _place.Start(
            "Katib.Coordinator.dll",
            "--Coordinator:Experiments=experiments",
            "--Coordinator:Store=katib.db",
            $"--Coordinator:Endpoints:random=http://127.0.0.1:{port}",
            "--urls=http://127.0.0.1:0");

        await Workplace.UntilAsync("the experiment is in the trace", () => _collector.Spans.Any(static s => s.Name is "experiment ledger"));
        await Workplace.SignalAsync(coordinator, "TERM");
        await Workplace.SignalAsync(service, "TERM");
        var said = (await Workplace.EndAsync(coordinator)).Expect(0).Output;
        var serviceSaid = (await Workplace.EndAsync(service)).Expect(0).Output;

        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonNode.Parse(l)!["State"]!.AsObject()).ToArray();
        Assert.Contains(lines, static s => s is { } && (string?)s["Experiment"] is "ledger" && (string?)s["Trial"] is "ledger-0002" && (string?)s["Reason"] is "TrialSucceeded");
        Assert.All(serviceSaid.Split('\n', StringSplitOptions.RemoveEmptyEntries), static l => Assert.NotNull(JsonNode.Parse(l)));
    }

    /// <summary>Trials that continue the trace they are started in, with a variable that is nobody's business.</summary>
    private static string Experiment(int trials, double seconds) => $$$"""
        apiVersion: kubeflow.org/v1beta1
        kind: Experiment
        metadata: { name: traced }
        spec:
          objective: { type: minimize, objectiveMetricName: loss }
          algorithm: { algorithmName: random }
          parallelTrialCount: {{{trials}}}
          maxTrialCount: {{{trials}}}
          parameters:
            - { name: x, parameterType: double, feasibleSpace: { min: "0", max: "1" } }
          trialTemplate:
            primaryContainerName: main
            trialParameters:
              - { name: x, reference: x }
            trialSpec:
              apiVersion: batch/v1
              kind: Job
              spec:
                template:
                  spec:
                    containers:
                      - name: main
                        image: worker
                        command: [dotnet, "{{{Worker}}}"]
                        args: ["${trialParameters.x}", "{{{seconds.ToString(CultureInfo.InvariantCulture)}}}"]
                        env:
                          - { name: TOKEN, value: {{{Secret}}} }
                    restartPolicy: Never
        """;
}
