using System.Collections.Immutable;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Cli.Sources;

/// <summary>The coordinator is not there; asking again later may help.</summary>
internal sealed class ServerUnavailableException(string message) : Exception(message);

/// <summary>The experiments of a coordinator that is reached over HTTP.</summary>
internal sealed class CoordinatorServer : IExperimentSource
{
    /// <summary>The coordinator writes a line every ten seconds while it is watched; after so long it is gone.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    /// <summary>A submission waits for the algorithm's service, and a stop for the trials.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(100);

    private readonly SocketsHttpHandler _handler;
    private readonly HttpClient _http;

    /// <summary>Knows a coordinator by its address and the token that it asks for; an empty one when there is none.</summary>
    public CoordinatorServer(Uri address, string token)
    {
        Address = address;
        _handler = new()
        {
            // A token goes where the user has sent it and nowhere else.
            AllowAutoRedirect = false,
            UseProxy = !address.IsLoopback,
            ConnectTimeout = TimeSpan.FromSeconds(30),
        };
        _http = new(_handler, disposeHandler: false)
        {
            BaseAddress = new(address.AbsoluteUri.TrimEnd('/') + "/apis/kubeflow.org/v1beta1/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (token.Length > 0)
        {
            _http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        }
    }

    /// <summary>Where it is.</summary>
    public Uri Address { get; }

    /// <inheritdoc/>
    public async Task<ImmutableArray<ListedExperiment>> ListAsync(string? trial, CancellationToken cancellationToken)
    {
        var query = trial is null ? "" : $"?trial={Uri.EscapeDataString(trial)}";
        var list = await ReadJsonAsync(await SendAsync(HttpMethod.Get, $"experiments{query}", null, cancellationToken), cancellationToken);
        return Expecting(() => list["items"]!.AsArray().Select(ListedOf).ToImmutableArray());
    }

    /// <inheritdoc/>
    public async Task<KnownExperiment> ReadAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        KnownOf(await ReadJsonAsync(await SendAsync(HttpMethod.Get, PathOf(experiment), null, cancellationToken), cancellationToken));

    /// <inheritdoc/>
    public async Task<Stream> OpenLogAsync(ListedExperiment experiment, string trial, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(
            HttpMethod.Get, $"{PathOf(experiment)}/trials/{Uri.EscapeDataString(trial)}/log", null, cancellationToken);
        return await answer.Content.ReadAsStreamAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StopAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        PostAsync($"{PathOf(experiment)}/stop", cancellationToken);

    /// <inheritdoc/>
    public async Task SetAsync(ListedExperiment experiment, BudgetChange budgets, CancellationToken cancellationToken)
    {
        var spec = new JsonObject();
        foreach (var (name, count) in ((string, int?)[])
            [
                ("parallelTrialCount", budgets.Parallel),
                ("maxTrialCount", budgets.MaxTrials),
                ("maxFailedTrialCount", budgets.MaxFailed),
            ])
        {
            if (count is { } given)
            {
                spec[name] = given;
            }
        }

        using var patch = new StringContent(new JsonObject { ["spec"] = spec }.ToJsonString());
        (await SendAsync(HttpMethod.Patch, PathOf(experiment), patch, cancellationToken)).Dispose();
    }

    /// <inheritdoc/>
    public Task PauseAsync(ListedExperiment experiment, bool isPaused, CancellationToken cancellationToken) =>
        PostAsync($"{PathOf(experiment)}/{(isPaused ? "pause" : "resume")}", cancellationToken);

    /// <inheritdoc/>
    public Task EndTrialAsync(
        ListedExperiment experiment, string trial, TrialWish wish, CancellationToken cancellationToken) =>
        PostAsync(
            $"{PathOf(experiment)}/trials/{Uri.EscapeDataString(trial)}/{(wish is TrialWish.Stop ? "stop" : "skip")}",
            cancellationToken);

    /// <inheritdoc/>
    public async Task DeleteAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        (await SendAsync(HttpMethod.Delete, PathOf(experiment), null, cancellationToken)).Dispose();

    /// <summary>Hands in an experiment.</summary>
    /// <returns>The experiment as the coordinator has it, and its warnings.</returns>
    /// <exception cref="InvalidManifestException">The coordinator finds it wrong.</exception>
    public async Task<(KnownExperiment Experiment, ImmutableArray<string> Warnings)> SubmitAsync(
        string @namespace, string manifest, bool fresh, CancellationToken cancellationToken)
    {
        using var content = new StringContent(manifest);
        var path = $"namespaces/{@namespace}/experiments{(fresh ? "?fresh=true" : "")}";
        var json = await ReadJsonAsync(await SendAsync(HttpMethod.Post, path, content, cancellationToken), cancellationToken);
        return (
            KnownOf(json),
            Expecting(() => (json["warnings"]?.AsArray() ?? []).Select(static w => (string)w!).ToImmutableArray()));
    }

    /// <summary>What becomes of an experiment, from all there is to its end; the last is the newest.</summary>
    /// <exception cref="ServerUnavailableException">The connection is lost; beginning anew tells everything again.</exception>
    public async IAsyncEnumerable<KnownExperiment> WatchAsync(
        ExperimentSpec spec, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            HttpMethod.Get, $"{PathOf(spec.Namespace, spec.Name)}?watch=true", null, cancellationToken);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken));
        KnownExperiment? known = null;
        while (await ReadLineAsync(lines, cancellationToken) is { } line)
        {
            if (Expecting(() => Follow(known, JsonNode.Parse(line)!.AsObject())) is { } next && next != known)
            {
                known = next;
                yield return known;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        _handler.Dispose();
        return ValueTask.CompletedTask;
    }

    private static KnownExperiment? Follow(KnownExperiment? known, JsonObject line)
    {
        var news = line["object"]!.AsObject();
        switch ((string?)line["type"])
        {
            case "DELETED":
                throw new UserException("The experiment was deleted.");
            case "ERROR":
                throw new UserException($"The experiment does not get on: {(string?)news["message"]}");
            case "ADDED" or "MODIFIED" when (string?)news["kind"] is "Experiment":
                // The first picture has the trials with it; later news of the experiment are of it alone.
                var spec = StatusReader.SpecOf(news);
                var now = StatusReader.StateOf(spec, news);
                return new(spec, known is null ? now : now with { Trials = known.State.Trials }, (string?)news["note"]);
            case "ADDED" or "MODIFIED" when known is { State: var state }:
                var number = state.Find((string)news["metadata"]!["name"]!)?.Number;
                var trial = StatusReader.TrialOf(known.Spec, news, number ?? (state.Trials.Length + 1));
                return known with
                {
                    State = number is null ? state with { Trials = state.Trials.Add(trial) } : state.With(trial),
                };
            default:
                return known;
        }
    }

    private async Task PostAsync(string path, CancellationToken cancellationToken) =>
        (await SendAsync(HttpMethod.Post, path, null, cancellationToken)).Dispose();

    private async Task<string?> ReadLineAsync(StreamReader lines, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await lines.ReadLineAsync(patience.Token);
        }
        catch (Exception lost) when (lost is HttpRequestException or IOException
            || (lost is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ServerUnavailableException($"The connection to {Address} is lost.");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(AnswerPatience);
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        }
        catch (HttpRequestException failure) when (failure.HttpRequestError is HttpRequestError.SecureConnectionError)
        {
            throw new UserException(
                $"No TLS connection to {Address}: {(failure.InnerException ?? failure).Message} "
                + "Is its certificate made out to this name, and does this machine trust it (SSL_CERT_FILE)? Or does it speak plain http?");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException
            || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ServerUnavailableException($"{Address} does not answer ({failure.Message}); is the coordinator running?");
        }

        return answer.IsSuccessStatusCode ? answer : throw await ProblemOfAsync(answer, cancellationToken);
    }

    private async Task<Exception> ProblemOfAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        using (answer)
        {
            var problem = answer.Content.Headers.ContentType?.MediaType is "application/problem+json"
                ? await ReadJsonAsync(answer, cancellationToken)
                : [];
            var detail = (string?)problem["detail"]
                ?? $"{Address} answers {(int)answer.StatusCode} {answer.ReasonPhrase}; is it the address of a coordinator?";
            return answer.StatusCode switch
            {
                HttpStatusCode.Unauthorized => new UserException(
                    $"{Address}: {detail} Give it by --token-file, KATIB_TOKEN or KATIB_TOKEN_FILE."),
                HttpStatusCode.ServiceUnavailable => new ServerUnavailableException(detail),
                HttpStatusCode.UnprocessableEntity => new InvalidManifestException(Expecting(() =>
                    (problem["problems"]?.AsArray() ?? []).Select(static p => new ManifestProblem(
                        (int)p!["line"]!, (string)p["path"]!, (string)p["value"]!, (string)p["message"]!)).ToImmutableArray())),
                _ => new UserException(detail),
            };
        }
    }

    private async Task<JsonObject> ReadJsonAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        using (answer)
        {
            try
            {
                await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
                return (await JsonNode.ParseAsync(body, cancellationToken: cancellationToken))!.AsObject();
            }
            catch (Exception lost) when (lost is HttpRequestException or IOException)
            {
                throw new ServerUnavailableException($"The connection to {Address} is lost.");
            }
            catch (Exception other) when (other is JsonException or InvalidOperationException or NullReferenceException)
            {
                throw NoCoordinator();
            }
        }
    }

    private KnownExperiment KnownOf(JsonObject json) => Expecting(() =>
    {
        var spec = StatusReader.SpecOf(json);
        return new KnownExperiment(spec, StatusReader.StateOf(spec, json), (string?)json["note"]);
    });

    private static ListedExperiment ListedOf(JsonNode? item)
    {
        var state = StatusReader.ProgressOf(item!.AsObject());
        return new(
            (string)item["metadata"]!["namespace"]!,
            (string)item["metadata"]!["name"]!,
            state.Conditions[^1],
            state.StartedAt,
            (string?)item["note"]);
    }

    /// <summary>What is no answer of a coordinator must not look like a bug of katib.</summary>
    private T Expecting<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception other) when (other is FormatException or InvalidOperationException or NullReferenceException or JsonException)
        {
            throw NoCoordinator();
        }
    }

    private UserException NoCoordinator() =>
        new($"{Address} answers with something that this katib does not understand; is it a coordinator of the same version?");

    private static string PathOf(ListedExperiment experiment) => PathOf(experiment.Namespace, experiment.Name);

    private static string PathOf(string @namespace, string name) =>
        $"namespaces/{Uri.EscapeDataString(@namespace)}/experiments/{Uri.EscapeDataString(name)}";
}

/// <summary>The coordinator finds an experiment wrong.</summary>
internal sealed class InvalidManifestException(ImmutableArray<ManifestProblem> problems)
    : Exception(string.Join('\n', problems))
{
    public ImmutableArray<ManifestProblem> Problems { get; } = problems;
}
