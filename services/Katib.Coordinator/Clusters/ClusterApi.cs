using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Exceptions;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Clusters;

/// <summary>A cluster's API server: objects of any kind as they are written.</summary>
/// <remarks>
/// The client library finds the cluster, proves who we are, and carries the bytes. Objects stay JSON: what a user's template
/// holds is passed on whole, whatever the library's release knows of it.
/// </remarks>
internal sealed class ClusterApi : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly Kubernetes _client;
    private readonly Patience _patience;

    /// <summary>Finds the cluster as kubectl does: KUBECONFIG, the file in the home directory; or the one that this process runs in.</summary>
    /// <exception cref="RunnerUnavailableException">No cluster is configured, or the configuration is wrong.</exception>
    public ClusterApi(IProgress<string> progress, TimeProvider time)
    {
        _patience = new("The cluster's API server", IsAway, progress, time);
        try
        {
            var configuration = KubernetesClientConfiguration.BuildDefaultConfig();

            // A watch, and a log that is followed, last as long as they do; other calls have a limit of their own.
            configuration.HttpClientTimeout = Timeout.InfiniteTimeSpan;
            Namespace = configuration.Namespace is { Length: > 0 } named ? named : "default";
            Host = configuration.Host;
            _client = new(configuration);
        }
        catch (Exception failure) when (failure is KubeConfigException or KubernetesException or IOException or UnauthorizedAccessException or FormatException)
        {
            throw new RunnerUnavailableException(
                $"No cluster can be found ({Patience.Reason(failure)}). Let KUBECONFIG name a file with which `kubectl get nodes` works.", failure);
        }
    }

    /// <summary>The namespace of the current context.</summary>
    public string Namespace { get; }

    /// <summary>The server's address.</summary>
    public string Host { get; }

    /// <inheritdoc cref="Patience.Trouble"/>
    public string? Trouble => _patience.Trouble;

    /// <inheritdoc cref="Patience.CallAsync"/>
    /// <exception cref="ClusterRefusalException">The server refuses.</exception>
    public Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        _patience.CallAsync(call, cancellationToken);

    /// <inheritdoc cref="Patience.WaitAsync"/>
    public Task WaitAsync(Exception failure, CancellationToken cancellationToken) => _patience.WaitAsync(failure, cancellationToken);

    /// <inheritdoc cref="Patience.Forget"/>
    public void IsThere() => _patience.Forget();

    /// <summary>Calls once.</summary>
    /// <exception cref="RunnerUnavailableException">The server does not answer, or refuses.</exception>
    public static async Task<T> OnceAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(cancellationToken);
        }
        catch (ClusterRefusalException refusal)
        {
            throw new RunnerUnavailableException($"The cluster refuses: {refusal.Message}", refusal);
        }
        catch (Exception failure) when (IsAway(failure, cancellationToken))
        {
            throw new RunnerUnavailableException(
                $"The cluster's API server does not answer ({Patience.Reason(failure)}). Let KUBECONFIG name a file with which "
                + "`kubectl get nodes` works.",
                failure);
        }
    }

    /// <summary>Reads what is at a path.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses.</exception>
    public Task<JsonObject> GetAsync(string path, CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>Reads what is at a path; null when there is nothing.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses for another reason.</exception>
    public async Task<JsonObject?> FindAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync(path, cancellationToken);
        }
        catch (ClusterRefusalException missing) when (missing.Status is HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Creates an object.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses.</exception>
    public Task<JsonObject> CreateAsync(string path, JsonObject made, CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Post, path, made, cancellationToken);

    /// <summary>Replaces an object, or its status, that is still as it was read.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses; with Conflict where it has changed.</exception>
    public Task<JsonObject> ReplaceAsync(string path, JsonObject changed, CancellationToken cancellationToken) =>
        AskAsync(HttpMethod.Put, path, changed, cancellationToken);

    /// <summary>Deletes an object; what is gone already is no failure.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="options">A DeleteOptions without its kind.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="ClusterRefusalException">The server refuses.</exception>
    public async Task DeleteAsync(string path, JsonObject options, CancellationToken cancellationToken)
    {
        try
        {
            _ = await AskAsync(HttpMethod.Delete, path, options, cancellationToken);
        }
        catch (ClusterRefusalException gone) when (gone.Status is HttpStatusCode.NotFound)
        {
            // That is what was wanted.
        }
    }

    /// <summary>What changes in a list, until the server ends the watch, which it does from time to time.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses.</exception>
    public async IAsyncEnumerable<JsonObject> WatchAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var changes = await OpenAsync(path, cancellationToken);
        using var lines = new StreamReader(changes);
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length > 0)
            {
                yield return Parse(line);
            }
        }
    }

    /// <summary>The bytes of an answer while they come.</summary>
    /// <exception cref="ClusterRefusalException">The server refuses.</exception>
    public async Task<Stream> OpenAsync(string path, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        await ThrowIfRefusedAsync(answer, cancellationToken);

        // The stream is all that there is to let go of.
        return await answer.Content.ReadAsStreamAsync(cancellationToken);
    }

    /// <summary>Whether a call has failed on the way, or the server cannot answer now.</summary>
    public static bool IsAway(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        ClusterRefusalException refusal => refusal.Status is HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => failure is HttpRequestException or IOException or SocketException or TimeoutException,
    };

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<JsonObject> AskAsync(HttpMethod method, string path, JsonObject? body, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        using var answer = await SendAsync(method, path, body, limit.Token);
        await ThrowIfRefusedAsync(answer, limit.Token);
        return Parse(await answer.Content.ReadAsStringAsync(limit.Token));
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, JsonObject? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(_client.BaseUri, path));
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, Json);
        }

        if (_client.Credentials is { } credentials)
        {
            await credentials.ProcessHttpRequestAsync(request, cancellationToken);
        }

        return await _client.HttpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (!answer.IsSuccessStatusCode)
        {
            throw ClusterRefusalException.Of(answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
        }
    }

    /// <summary>Half an answer is none.</summary>
    private static JsonObject Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new IOException("The API server has not answered with an object.");
        }
        catch (JsonException broken)
        {
            throw new IOException("The API server's answer is cut off.", broken);
        }
    }
}

/// <summary>The API server's answer is no; the message is its own.</summary>
internal sealed class ClusterRefusalException(HttpStatusCode status, string reason, string message) : Exception(message)
{
    /// <summary>The answer's status.</summary>
    public HttpStatusCode Status => status;

    /// <summary>Kubernetes' word for it, for instance <c>AlreadyExists</c>; empty where there is none.</summary>
    public string Reason => reason;

    /// <summary>What a Status object says, or whatever stands in its place.</summary>
    public static ClusterRefusalException Of(HttpStatusCode status, string body)
    {
        const int longest = 2000;
        try
        {
            if (JsonNode.Parse(body) is JsonObject said && (string?)said["message"] is { Length: > 0 } message)
            {
                return new(status, (string?)said["reason"] ?? "", message);
            }
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException)
        {
            // A proxy's page, or nothing.
        }

        return new(status, "", body.Length > 0 ? body[..Math.Min(body.Length, longest)] : status.ToString());
    }
}
