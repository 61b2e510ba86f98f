using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Host;
using Katib.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Katib.Coordinator.Tests.Api;

/// <summary>The submit API on real Kestrel, with a real store, real services and real trials.</summary>
public sealed class SubmitApiTests : IAsyncLifetime
{
    private const string Token = "a-token-for-these-tests";
    private const string Experiments = "apis/kubeflow.org/v1beta1/namespaces/default/experiments";

    /// <summary>Trials that would take a minute, and say that they have begun.</summary>
    private const string Slow = """[sh, -c, "echo loss=${trialParameters.x}; exec sleep 60"]""";

    private readonly string _folder = Directory.CreateTempSubdirectory("katib-api-").FullName;
    private readonly WebApplication _random = SuggestionHost.Build("random", new RandomSearch(), new(IPAddress.Loopback, 0));
    private readonly WebApplication _grid = SuggestionHost.Build("grid", new GridSearch(), new(IPAddress.Loopback, 0));
    private readonly SocketsHttpHandler _handler = new() { UseProxy = false };
    private readonly HttpClient _http;
    private WebApplication? _coordinator;

    public SubmitApiTests() => _http = new(_handler, disposeHandler: false) { Timeout = TimeSpan.FromMinutes(5) };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _random.StartAsync(Cancellation);
        await _grid.StartAsync(Cancellation);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await _random.DisposeAsync();
        await _grid.DisposeAsync();
        _http.Dispose();
        _handler.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer another-token-than-that")]
    [InlineData("Basic YS10b2tlbi1mb3ItdGhlc2UtdGVzdHM=")]
    [InlineData("Bearer")]
    public async Task Without_the_token_nothing_is_answered_but_health(string? authorization)
    {
        _http.DefaultRequestHeaders.Authorization = authorization is null ? null : AuthenticationHeaderValue.Parse(authorization);

        using var health = await _http.GetAsync(UrlOf("healthz"), Cancellation);
        using var list = await _http.GetAsync(UrlOf(Experiments), Cancellation);
        using var submission = await PostAsync(Given.Spec());
        using var elsewhere = await _http.GetAsync(UrlOf("elsewhere"), Cancellation);

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.All([list, submission, elsewhere], static answer =>
        {
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
        });
        Assert.Empty(Directory.EnumerateDirectories(_folder));
    }

    [Fact]
    public async Task A_submitted_experiment_runs_to_its_end_and_is_shown_as_Katibs_JSON()
    {
        using var created = await PostAsync(Given.Spec(max: 5));
        var news = await WatchAsync("study");
        var experiment = await GetAsync($"{Experiments}/study");
        var list = await GetAsync("apis/kubeflow.org/v1beta1/experiments?trial=study-0002");
        var log = await _http.GetStringAsync(UrlOf($"{Experiments}/study/trials/study-0001/log"), Cancellation);

        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("ADDED", (string?)news[0]["type"]);
        Assert.Equal("Succeeded", (string?)news[^1]["object"]!["status"]!["conditions"]!.AsArray()[^1]!["type"]);
        Assert.Equal(5, (int?)experiment["status"]!["trialsSucceeded"]);
        Assert.Equal(5, experiment["trials"]!.AsArray().Count);
        Assert.Null(experiment["note"]);
        Assert.Equal("study", (string?)Assert.Single(list["items"]!.AsArray())!["metadata"]!["name"]);
        Assert.StartsWith("loss=0.", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_experiment_again_is_known_and_another_content_is_a_conflict()
    {
        using var first = await PostAsync(Given.Spec(command: Slow));
        using var again = await PostAsync(Given.Spec(command: Slow));
        using var budget = await PostAsync(Given.Spec(max: 20, command: Slow));
        using var fresh = await PostAsync(Given.Spec(command: Slow), "?fresh=true");
        using var stopped = await _http.PostAsync(UrlOf($"{Experiments}/study/stop"), null, Cancellation);
        using var other = await PostAsync(Given.Spec(algorithm: "grid"));

        Assert.Equal(
            [
                HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.Conflict,
                HttpStatusCode.OK, HttpStatusCode.Conflict,
            ],
            new[] { first, again, budget, fresh, stopped, other }.Select(static a => a.StatusCode));
        Assert.Contains("spec.maxTrialCount: 12 -> 20", await DetailAsync(budget), StringComparison.Ordinal);
        Assert.Contains("\"random\" -> \"grid\"", await DetailAsync(other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ended_experiment_goes_on_with_a_larger_budget_where_its_policy_allows_it()
    {
        using var first = await PostAsync(Given.Spec(max: 3, resumePolicy: "LongRunning"));
        _ = await WatchAsync("study");

        using var more = await PostAsync(Given.Spec(max: 5, resumePolicy: "LongRunning"));
        _ = await WatchAsync("study");

        Assert.Equal(HttpStatusCode.OK, more.StatusCode);
        Assert.Equal(5, (int?)(await GetAsync($"{Experiments}/study"))["status"]!["trialsSucceeded"]);
    }

    [Theory]
    [InlineData("{\"spec\": {\"parallelTrialCount\": 1, \"maxTrialCount\": 20}}", HttpStatusCode.NoContent)]
    [InlineData("{\"spec\": {\"parallelTrialCount\": 0}}", HttpStatusCode.Conflict)]
    [InlineData("{\"spec\": {\"parallelTrialCount\": \"1\"}}", HttpStatusCode.BadRequest)]
    [InlineData("{\"spec\": {\"parallelTrialCount\": 1.5}}", HttpStatusCode.BadRequest)]
    [InlineData("{\"spec\": {\"parallelTrialCount\": 99999999999}}", HttpStatusCode.BadRequest)]
    [InlineData("{\"spec\": {\"parallelTrialCount\": 1, \"algorithm\": {}}}", HttpStatusCode.BadRequest)]
    [InlineData("{\"spec\": {}}", HttpStatusCode.BadRequest)]
    [InlineData("{\"spec\": null}", HttpStatusCode.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest)]
    [InlineData("null", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task Budgets_are_patched_and_nothing_else(string patch, HttpStatusCode status)
    {
        using var created = await PostAsync(Given.Spec(command: Slow));
        using var content = new StringContent(patch);

        using var answer = await _http.PatchAsync(UrlOf($"{Experiments}/study"), content, Cancellation);

        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public async Task An_ended_experiment_that_is_patched_goes_on_in_its_own_folder()
    {
        using var first = await PostAsync(Given.Spec(max: 3, command: "[sh, -c, \"pwd; echo loss=${trialParameters.x}\"]", resumePolicy: "LongRunning"));
        _ = await WatchAsync("study");
        await EndAsync();
        await StartAsync(Directory.CreateDirectory(Path.Combine(_folder, "elsewhere")).FullName);
        using var content = new StringContent("{\"spec\": {\"maxTrialCount\": 4}}");

        using var answer = await _http.PatchAsync(UrlOf($"{Experiments}/study"), content, Cancellation);
        _ = await WatchAsync("study");

        var log = await _http.GetStringAsync(UrlOf($"{Experiments}/study/trials/study-0004/log"), Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(_folder, log.Split('\n')[0]);
    }

    [Fact]
    public async Task What_is_wanted_of_what_is_not_there_is_not_found()
    {
        using var content = new StringContent("{\"spec\": {\"parallelTrialCount\": 1}}");
        using var patched = await _http.PatchAsync(UrlOf($"{Experiments}/nobody"), content, Cancellation);
        using var paused = await _http.PostAsync(UrlOf($"{Experiments}/nobody/pause"), null, Cancellation);
        using var skipped = await _http.PostAsync(UrlOf($"{Experiments}/nobody/trials/x/skip"), null, Cancellation);

        Assert.All([patched, paused, skipped], static answer => Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode));
    }

    [Fact]
    public async Task Everything_that_is_wrong_is_listed_at_once_by_line_path_and_value()
    {
        var manifest = Given.Spec().Manifest;
        manifest["spec"]!["parallelTrialCount"] = 99;
        manifest["spec"]!["objective"]!["type"] = "minimise";

        using var answer = await PostAsync(manifest.ToJsonString());

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problems = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancellation))!["problems"]!.AsArray();
        Assert.Equal(
            ["spec.objective.type", "spec.parallelTrialCount"],
            problems.Select(static p => (string?)p!["path"]).Order(StringComparer.Ordinal));
        Assert.All(problems, static p => Assert.Equal(1, (int?)p!["line"]));
        Assert.All(problems, static p => Assert.NotEmpty((string?)p!["message"] ?? ""));
    }

    [Fact]
    public async Task What_the_algorithm_or_the_machine_refuses_is_no_experiment()
    {
        using var step = await PostAsync(Given.Spec(algorithm: "grid"));
        using var algorithm = await PostAsync(Given.Spec(algorithm: "sobol"));
        using var command = await PostAsync(Given.Spec(command: """[no-such-program, "${trialParameters.x}"]"""));
        using var elsewhere = await PostAsync(
            Given.Spec().Manifest.ToJsonString().Replace("default", "team", StringComparison.Ordinal));

        Assert.Contains("Param x step is nil", await DetailAsync(step), StringComparison.Ordinal);
        Assert.Contains("'sobol': has no service here; this coordinator has grid, random", await DetailAsync(algorithm), StringComparison.Ordinal);
        Assert.Contains("no-such-program", await DetailAsync(command), StringComparison.Ordinal);
        Assert.Contains("metadata.namespace 'team'", await DetailAsync(elsewhere), StringComparison.Ordinal);
        Assert.All([step, algorithm, command, elsewhere], static a => Assert.Equal(HttpStatusCode.UnprocessableEntity, a.StatusCode));
        Assert.Empty((await GetAsync(Experiments))["items"]!.AsArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_beyond_a_mebibyte_is_refused(bool announced)
    {
        using var content = new StreamContent(new MemoryStream(new byte[(1024 * 1024) + 1]));
        using var request = new HttpRequestMessage(HttpMethod.Post, UrlOf(Experiments)) { Content = content };
        request.Headers.TransferEncodingChunked = !announced;

        // An answer that comes before all is sent may be lost; so the coordinator is asked first where it can know.
        request.Headers.ExpectContinue = announced;

        using var answer = await _http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Contains("1048576", await DetailAsync(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_text_is_refused_and_what_is_unknown_is_not_found()
    {
        using var binary = new ByteArrayContent([0xc3, 0x28]);
        using var refused = await _http.PostAsync(UrlOf(Experiments), binary, Cancellation);
        using var read = await _http.GetAsync(UrlOf($"{Experiments}/nothing"), Cancellation);
        using var watched = await _http.GetAsync(UrlOf($"{Experiments}/nothing?watch=true"), Cancellation);
        using var stopped = await _http.PostAsync(UrlOf($"{Experiments}/nothing/stop"), null, Cancellation);
        using var deleted = await _http.DeleteAsync(UrlOf($"{Experiments}/nothing"), Cancellation);
        using var log = await _http.GetAsync(UrlOf($"{Experiments}/nothing/trials/nothing-0001/log"), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.All([read, watched, stopped, deleted, log], static a => Assert.Equal(HttpStatusCode.NotFound, a.StatusCode));
        Assert.Contains("There is no experiment 'nothing'", await DetailAsync(read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_experiment_keeps_its_results_and_stays_stopped()
    {
        using var created = await PostAsync(Given.Spec(command: Slow));
        await RunningAsync(3);

        using var stopped = await _http.PostAsync(UrlOf($"{Experiments}/study/stop"), null, Cancellation);
        using var again = await _http.PostAsync(UrlOf($"{Experiments}/study/stop"), null, Cancellation);
        await EndAsync();
        await StartAsync();
        var experiment = await GetAsync($"{Experiments}/study");
        using var more = await PostAsync(Given.Spec(max: 20, command: Slow));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [stopped.StatusCode, again.StatusCode]);
        var condition = experiment["status"]!["conditions"]!.AsArray()[^1]!;
        Assert.Equal(("Failed", "ExperimentStopped"), ((string?)condition["type"], (string?)condition["reason"]));
        Assert.Equal(3, (int?)experiment["status"]!["trialsKilled"]);
        Assert.Equal(HttpStatusCode.Conflict, more.StatusCode);
        Assert.Empty(TrialProcesses());
    }

    [Fact]
    public async Task Deleted_under_way_an_experiment_is_forgotten_with_its_trials()
    {
        using var created = await PostAsync(Given.Spec(command: Slow));
        await RunningAsync(3);

        using var deleted = await _http.DeleteAsync(UrlOf($"{Experiments}/study"), Cancellation);

        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty((await GetAsync(Experiments))["items"]!.AsArray());
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(_folder, "katib.db.trials")));
        Assert.Empty(TrialProcesses());
    }

    [Fact]
    public async Task A_coordinator_that_is_started_again_goes_on_with_what_was_submitted()
    {
        using var created = await PostAsync(
            Given.Spec(max: 4, command: """[sh, -c, "[ -e go ] || exec sleep 60; echo loss=${trialParameters.x}"]"""));
        await RunningAsync(3);

        await EndAsync();
        Assert.Empty(TrialProcesses());
        await File.WriteAllTextAsync(Path.Combine(_folder, "go"), "", Cancellation);
        await StartAsync();
        _ = await WatchAsync("study");

        var experiment = await GetAsync($"{Experiments}/study");
        Assert.Equal(4, (int?)experiment["status"]!["trialsSucceeded"]);
        Assert.Equal(4, (int?)experiment["status"]!["trials"]);
    }

    [Fact]
    public async Task A_watcher_hears_of_the_deletion_and_does_not_keep_the_coordinator_from_stopping()
    {
        using var created = await PostAsync(Given.Spec(command: Slow));
        var watching = WatchAsync("study");
        await RunningAsync(3);
        using var deleted = await _http.DeleteAsync(UrlOf($"{Experiments}/study"), Cancellation);
        var news = await watching;

        using var second = await PostAsync(Given.Spec(command: Slow));
        using var open = await _http.GetAsync(
            UrlOf($"{Experiments}/study?watch=true"), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var begun = TimeProvider.System.GetTimestamp();
        await EndAsync();

        Assert.Equal("DELETED", (string?)news[^1]["type"]);
        Assert.True(TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromSeconds(20), "the coordinator waited for its watcher");
    }

    private async Task StartAsync(string? workingDirectory = null)
    {
        var coordinator = CoordinatorHost.Build(WebApplication.CreateSlimBuilder(
        [
            "--Coordinator:Listen=http://127.0.0.1:0",
            $"--Coordinator:Token={Token}",
            $"--Coordinator:Store={Path.Combine(_folder, "katib.db")}",
            $"--Coordinator:WorkingDirectory={workingDirectory ?? _folder}",
            $"--Coordinator:Endpoints:random={_random.Urls.Single()}",
            $"--Coordinator:Endpoints:grid={_grid.Urls.Single()}",
        ]));
        await coordinator.StartAsync(Cancellation);
        _coordinator = coordinator;
        _http.DefaultRequestHeaders.Authorization = new("Bearer", Token);
    }

    private async Task EndAsync()
    {
        if (_coordinator is not null)
        {
            await _coordinator.StopAsync(CancellationToken.None);
            await _coordinator.DisposeAsync();
            _coordinator = null;
        }
    }

    private Uri UrlOf(string path) => new(new(_coordinator!.Urls.Single()), path);

    private Task<HttpResponseMessage> PostAsync(ExperimentSpec spec, string query = "") =>
        PostAsync(spec.Manifest.ToJsonString(), query);

    private async Task<HttpResponseMessage> PostAsync(string manifest, string query = "")
    {
        using var content = new StringContent(manifest);
        return await _http.PostAsync(UrlOf(Experiments + query), content, Cancellation);
    }

    private async Task<JsonNode> GetAsync(string path) =>
        JsonNode.Parse(await _http.GetStringAsync(UrlOf(path), Cancellation))!;

    private static async Task<string> DetailAsync(HttpResponseMessage answer) =>
        (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancellation))!["detail"]!;

    /// <summary>All news of an experiment to its end.</summary>
    private async Task<JsonNode[]> WatchAsync(string name)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromMinutes(5));
        var lines = await _http.GetStringAsync(UrlOf($"{Experiments}/{name}?watch=true"), patience.Token);
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonNode.Parse(l)!)];
    }

    /// <summary>Waits until so many trials have begun.</summary>
    private async Task RunningAsync(int count)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (TrialProcesses().Count < count)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromMinutes(5), $"{count} trials did not begin");
            await Task.Delay(50, Cancellation);
        }
    }

    /// <summary>Programs of trials, by the sleep in them.</summary>
    private List<string> TrialProcesses() =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Where(static d => int.TryParse(Path.GetFileName(d), out _))
            .Where(d => ReadOrEmpty(Path.Combine(d, "environ")).Contains(_folder, StringComparison.Ordinal))
            .Select(static d => ReadOrEmpty(Path.Combine(d, "cmdline")))
            .Where(static c => c.StartsWith("sleep", StringComparison.Ordinal)),
    ];

    private static string ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
