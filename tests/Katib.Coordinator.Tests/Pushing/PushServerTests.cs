using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Grpc.Core;
using Grpc.Net.Client;
using Katib.Algorithms.Random;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Pushing;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Katib.Hosting;
using Microsoft.AspNetCore.Builder;
using Wire = Api.V1.Beta1;

namespace Katib.Coordinator.Tests.Pushing;

/// <summary>A real server before a real loop and store; only the trials are make-believe.</summary>
public sealed class PushServerTests : IAsyncLifetime
{
    private const string Operator = "the-operators-own-token";

    private readonly string _folder = Directory.CreateTempSubdirectory("katib-push-").FullName;
    private readonly WebApplication _random = SuggestionHost.Build("random", new RandomSearch(), new(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _end = new();
    private readonly InstantRunner _runner = new(static _ => null, isSilent: true);
    private ExperimentStore _store = null!;
    private PushServer _server = null!;
    private SuggestionClient _suggestions = null!;
    private Task<Outcome> _run = null!;
    private ExperimentLoop _loop = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private StoreLocation Location => StoreLocation.OfFile(Path.Combine(_folder, "katib.db"));

    public async ValueTask InitializeAsync()
    {
        await _random.StartAsync(Token);
        _server = await StartAsync(allowAnonymous: false);
        _store = await ExperimentStore.OpenAsync(Location, TimeProvider.System, isPatient: true, Token);
        _suggestions = new(new(_random.Urls.Single()), TimeProvider.System);
        var spec = Given.Spec(max: 3) with { MetricsCollector = new(CollectorKind.Push, "/metrics", MetricsFormat.Text, []) };
        var stored = await _store.CreateAsync(spec, _folder, RunnerKind.Process, Given.State(), Token);
        _loop = new(spec, stored, _store, _suggestions, _runner, new Progress<ExperimentStep>(), TimeProvider.System) { Push = _server };
        _run = _loop.RunAsync(_end.Token);
        await _runner.StartedAsync(3);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await ((Task)_run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        _suggestions.Dispose();
        await _runner.DisposeAsync();
        await _random.DisposeAsync();
        _end.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_line_of_shell_reports_and_its_trial_succeeds_with_it()
    {
        var (status, answer) = await PostAsync(1, "loss=0.5&step=1&acc=7");
        Assert.Equal((HttpStatusCode.OK, """{"recorded":1,"ignored":["acc"]}"""), (status, answer));
        _ = await PostAsync(1, "loss=0.25&step=2");
        _ = await PostAsync(1, "loss=0.25&step=2");
        var (_, read) = await SendAsync(HttpMethod.Get, 1, null);
        _runner.End("study-0001");
        await EndedAsync(1);

        Assert.Equal(["0.5", "0.25"], JsonNode.Parse(read)!.AsArray().Select(static p => (string)p!["value"]!));
        Assert.Equal((TrialStatus.Succeeded, 2), (_loop.State.Trials[0].Status, _loop.State.Trials[0].Observation.Metrics[0].Count));
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync(1, "loss=1")).Status);
    }

    [Fact]
    public async Task What_was_pushed_under_another_name_is_named_where_the_metric_is_missing()
    {
        _ = await PostAsync(1, "los=0.5");
        _runner.End("study-0001");
        _runner.End("study-0002");
        await EndedAsync(1);
        await EndedAsync(2);

        Assert.Contains("Pushed 'los', expected 'loss'.", _loop.State.Trials[0].Message, StringComparison.Ordinal);
        Assert.Contains("POST loss=NUMBER to KATIB_PUSH_URL", _loop.State.Trials[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_writers_at_once_lose_and_double_nothing()
    {
        var writers = TestSize.Of(small: 60, full: 200);
        var reports = TestSize.Of(small: 20, full: 500);

        // Every report is sent twice, as by somebody whose connection broke before the answer.
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            for (var i = 0; i < reports; i++)
            {
                var body = FormattableString.Invariant($"loss={i}&step={(writer * reports) + i}");
                Assert.Equal(HttpStatusCode.OK, (await PostAsync((writer % 3) + 1, body)).Status);
                Assert.Equal(HttpStatusCode.OK, (await PostAsync((writer % 3) + 1, body)).Status);
            }
        }));

        Assert.Equal(
            Enumerable.Range(0, 3).Select(trial => (long)reports * Enumerable.Range(0, writers).Count(writer => writer % 3 == trial)),
            _loop.State.Trials.Select(static t => t.Observation.Metrics[0].Count));
    }

    [Fact]
    public async Task Katibs_contract_reports_and_reads()
    {
        using var channel = GrpcChannel.ForAddress($"http://{ValueOf(2, PushServer.ManagerVariable)}");
        var client = new Wire.DBManager.DBManagerClient(channel);
        var report = new Wire.ReportObservationLogRequest { TrialName = "study-0002", ObservationLog = new() };
        report.ObservationLog.MetricLogs.Add(
        [
            LogOf("2026-01-31T12:00:00Z", "0.5"), LogOf("2026-01-31T12:00:00Z", "0.25"), LogOf("0001-01-01T00:00:00Z", "0.75"), LogOf("", "0.8"),
        ]);
        _ = await client.ReportObservationLogAsync(report, HeadersOf(2), cancellationToken: Token);
        _ = await client.ReportObservationLogAsync(report, HeadersOf(2), cancellationToken: Token);

        var all = await client.GetObservationLogAsync(new() { TrialName = "study-0002" }, HeadersOf(2), cancellationToken: Token);
        var timed = await client.GetObservationLogAsync(
            new() { TrialName = "study-0002", MetricName = "loss", StartTime = "2026-01-01T00:00:00Z" }, HeadersOf(2), cancellationToken: Token);

        Assert.Equal(["0.75", "0.8", "0.5", "0.25"], all.ObservationLog.MetricLogs.Select(static l => l.Metric.Value));
        Assert.Equal(["0001-01-01T00:00:00Z", "2026-01-31T12:00:00Z"], all.ObservationLog.MetricLogs.Select(static l => l.TimeStamp).Distinct());
        Assert.Equal(2, timed.ObservationLog.MetricLogs.Count);

        report.ObservationLog.MetricLogs.Add(LogOf("noon", "1"));
        var refused = await Assert.ThrowsAsync<RpcException>(
            async () => await client.ReportObservationLogAsync(report, HeadersOf(2), cancellationToken: Token));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("metric_logs[4].time_stamp is 'noon'", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_speaks_for_its_trial_alone_and_deletes_nothing()
    {
        using var channel = GrpcChannel.ForAddress($"http://{ValueOf(1, PushServer.ManagerVariable)}");
        var client = new Wire.DBManager.DBManagerClient(channel);
        var report = new Wire.ReportObservationLogRequest { TrialName = "study-0002", ObservationLog = new() };
        report.ObservationLog.MetricLogs.Add(LogOf("", "0.5"));
        var forged = ValueOf(1, PushServer.TokenVariable).Replace("study-0001", "study-0002", StringComparison.Ordinal);

        await RefusedAsync(StatusCode.PermissionDenied, () => client.ReportObservationLogAsync(report, HeadersOf(1)).ResponseAsync);
        await RefusedAsync(StatusCode.PermissionDenied, () => client.ReportObservationLogAsync(report, Bearer(forged)).ResponseAsync);
        await RefusedAsync(StatusCode.PermissionDenied, () => client.ReportObservationLogAsync(report, Bearer("nonsense")).ResponseAsync);
        await RefusedAsync(StatusCode.Unauthenticated, () => client.ReportObservationLogAsync(report).ResponseAsync);
        await RefusedAsync(StatusCode.PermissionDenied, () => client.GetObservationLogAsync(new() { TrialName = "study-0002" }, HeadersOf(1)).ResponseAsync);
        await RefusedAsync(StatusCode.PermissionDenied, () => client.DeleteObservationLogAsync(new() { TrialName = "study-0001" }, HeadersOf(1)).ResponseAsync);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(HttpMethod.Post, null, "loss=1")).Status);

        // The operator may do all of it, but not to what still runs.
        _ = await client.ReportObservationLogAsync(report, Bearer(Operator), cancellationToken: Token);
        await RefusedAsync(StatusCode.FailedPrecondition, () => client.DeleteObservationLogAsync(new() { TrialName = "study-0002" }, Bearer(Operator)).ResponseAsync);
        await RefusedAsync(StatusCode.NotFound, () => client.GetObservationLogAsync(new() { TrialName = "study-0009" }, Bearer(Operator)).ResponseAsync);
        _runner.End("study-0002");
        await EndedAsync(2);
        _ = await client.DeleteObservationLogAsync(new() { TrialName = "study-0002" }, Bearer(Operator), cancellationToken: Token);
        Assert.Empty((await client.GetObservationLogAsync(new() { TrialName = "study-0002" }, HeadersOf(2), cancellationToken: Token)).ObservationLog.MetricLogs);

        static async Task RefusedAsync(StatusCode code, Func<Task> call) =>
            Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
    }

    [Fact]
    public async Task A_reader_sees_the_trials_of_its_experiment()
    {
        _ = await PostAsync(3, "loss=0.5");
        using var channel = GrpcChannel.ForAddress($"http://{_server.ManagerAddress}");
        var client = new Wire.DBManager.DBManagerClient(channel);
        var reader = PushToken.OfReader(_store.Secret, "default", "study");

        var log = await client.GetObservationLogAsync(new() { TrialName = "study-0003" }, Bearer(reader), cancellationToken: Token);
        var other = await Assert.ThrowsAsync<RpcException>(async () => await client.GetObservationLogAsync(
            new() { TrialName = "study-0003" }, Bearer(PushToken.OfReader(_store.Secret, "default", "studies")), cancellationToken: Token));
        var report = await Assert.ThrowsAsync<RpcException>(async () => await client.ReportObservationLogAsync(
            new() { TrialName = "study-0003" }, Bearer(reader), cancellationToken: Token));

        Assert.Equal("0.5", log.ObservationLog.MetricLogs.Single().Metric.Value);
        Assert.Equal((StatusCode.PermissionDenied, StatusCode.PermissionDenied), (other.StatusCode, report.StatusCode));
    }

    [Fact]
    public async Task Where_it_is_allowed_katibs_own_collectors_need_no_token()
    {
        await _server.DisposeAsync();
        var before = _server.ManagerAddress;
        _server = await StartAsync(allowAnonymous: true);
        using var taking = _server.Desk.Open(_loop, _store.Secret);
        using var channel = GrpcChannel.ForAddress($"http://{_server.ManagerAddress}");
        var client = new Wire.DBManager.DBManagerClient(channel);
        var report = new Wire.ReportObservationLogRequest { TrialName = "study-0001", ObservationLog = new() };
        report.ObservationLog.MetricLogs.Add(LogOf("2026-01-31T12:00:00Z", "0.5"));

        _ = await client.ReportObservationLogAsync(report, cancellationToken: Token);
        var read = await client.GetObservationLogAsync(new() { TrialName = "study-0001" }, cancellationToken: Token);

        Assert.Single(read.ObservationLog.MetricLogs);

        // Trials that run were told the address before: it is the same again.
        Assert.Equal(before, _server.ManagerAddress);
    }

    [Theory]
    [InlineData("""{"loss": "much"}""", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("loss=much", "application/x-www-form-urlencoded", HttpStatusCode.BadRequest)]
    [InlineData("", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("loss=1", "text/plain", HttpStatusCode.BadRequest)]
    [InlineData("""{"loss": 1}""", "text/plain", HttpStatusCode.OK)]
    public async Task A_body_is_a_form_or_json(string body, string type, HttpStatusCode expected) =>
        Assert.Equal(expected, (await SendAsync(HttpMethod.Post, 1, body, type)).Status);

    [Fact]
    public async Task A_body_is_bounded() =>
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(1, $"loss={new string('1', PushApi.MaxBodyBytes)}")).Status);

    private static Wire.MetricLog LogOf(string time, string value) =>
        new() { TimeStamp = time, Metric = new() { Name = "loss", Value = value } };

    private static Metadata Bearer(string token) => new() { { "authorization", $"Bearer {token}" } };

    private Metadata HeadersOf(int trial) => Bearer(ValueOf(trial, PushServer.TokenVariable));

    private string ValueOf(int trial, string variable) =>
        _runner.Started.Single(j => j.Trial == $"study-{trial:0000}").Environment.Single(v => v.Key == variable).Value;

    private Task<PushServer> StartAsync(bool allowAnonymous) => PushServer.StartAsync(
        PushOptions.Local(Path.Combine(_folder, "push.ports"), allowAnonymous),
        Location,
        static token => token is Operator,
        static _ => { },
        TimeProvider.System,
        Token);

    private Task<(HttpStatusCode Status, string Answer)> PostAsync(int trial, string form) =>
        SendAsync(HttpMethod.Post, trial, form);

    private async Task<(HttpStatusCode Status, string Answer)> SendAsync(
        HttpMethod method, int? trial, string? body, string type = "application/x-www-form-urlencoded")
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, ValueOf(trial ?? 1, PushServer.UrlVariable));
        if (trial is { } number)
        {
            request.Headers.Authorization = new("Bearer", ValueOf(number, PushServer.TokenVariable));
        }

        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, type);
        using var answer = await http.SendAsync(request, Token);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Token));
    }

    private async Task EndedAsync(int trial)
    {
        while (_loop.State.Trials[trial - 1].IsActive)
        {
            await Task.Delay(10, Token);
        }
    }
}
