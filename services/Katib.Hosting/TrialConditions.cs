using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Grpc.Core;

namespace Katib.Hosting;

/// <summary>Tells Katib's controller that a trial was stopped early: a condition in the Trial's status, in the namespace of this pod.</summary>
/// <remarks>
/// Two calls of the Kubernetes API, GET trials and PUT trials/status, as the pod's service account. Not by a client library, which
/// would be larger than the service. The write is refused by the API where the status has changed meanwhile; then it is read again.
/// </remarks>
internal sealed class TrialConditions(TimeProvider time)
{
    private const int Attempts = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Where a pod finds its service account; a test has another one.</summary>
    public string Account { get; init; } = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Marks the trial, unless it is marked or has ended already; returns when the API has it.</summary>
    /// <exception cref="RpcException">It could not be marked.</exception>
    public async Task StopEarlyAsync(string trial, CancellationToken cancellationToken)
    {
        if (trial.Length is 0 || trial.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.')))
        {
            throw ErrorInterceptor.Refusal(StatusCode.InvalidArgument, $"trial_name '{trial}' must be the name of a Trial.");
        }

        var host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        var port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || !File.Exists(Path.Combine(Account, "token")))
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.FailedPrecondition, "The status of a Trial is set in Kubernetes alone, and this service runs in no pod of it.");
        }

        var @namespace = (await File.ReadAllTextAsync(Path.Combine(Account, "namespace"), cancellationToken)).Trim();
        var path = $"/apis/kubeflow.org/v1beta1/namespaces/{@namespace}/trials/{trial}";

        // The account is read anew each time: Kubernetes replaces what is in it.
        var token = (await File.ReadAllTextAsync(Path.Combine(Account, "token"), cancellationToken)).Trim();
        using var handler = Trusting();
        using var http = new HttpClient(handler)
        {
            BaseAddress = new($"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}"),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            Timeout = Patience,
        };
        for (var attempt = 1; ; attempt++)
        {
            using var read = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            await ThrowIfRefusedAsync(read, "get trials", trial, @namespace, cancellationToken);
            var found = (await read.Content.ReadFromJsonAsync(JsonContext.Default.JsonObject, cancellationToken))!;
            if (!TryMark(found))
            {
                return;
            }

            using var body = new StringContent(found.ToJsonString(), Encoding.UTF8, "application/json");
            using var written = await http.PutAsync(new Uri($"{path}/status", UriKind.Relative), body, cancellationToken);
            if (written.StatusCode is not HttpStatusCode.Conflict || attempt == Attempts)
            {
                await ThrowIfRefusedAsync(written, "update trials/status", trial, @namespace, cancellationToken);
                return;
            }
        }
    }

    /// <summary>Adds Katib's condition; false when there is nothing to add.</summary>
    private bool TryMark(JsonObject trial)
    {
        if (trial["status"] is not JsonObject status)
        {
            trial["status"] = status = [];
        }

        if (status["conditions"] is not JsonArray conditions)
        {
            status["conditions"] = conditions = [];
        }

        if (conditions.OfType<JsonObject>().Any(static c =>
            (string?)c["type"] is "EarlyStopped" or "Succeeded" or "Failed" or "Killed" && (string?)c["status"] is "True"))
        {
            return false;
        }

        var now = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        conditions.Add((JsonNode)new JsonObject
        {
            ["type"] = "EarlyStopped",
            ["status"] = "True",
            ["reason"] = "TrialEarlyStopped",
            ["message"] = "Trial is early stopped",
            ["lastUpdateTime"] = now,
            ["lastTransitionTime"] = now,
        });
        return true;
    }

    private SocketsHttpHandler Trusting() => new()
    {
        UseProxy = false,
        SslOptions = new()
        {
            CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Account, "ca.crt")) },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        },
    };

    private static async Task ThrowIfRefusedAsync(
        HttpResponseMessage answer, string verb, string trial, string @namespace, CancellationToken cancellationToken)
    {
        if (answer.IsSuccessStatusCode)
        {
            return;
        }

        var words = await answer.Content.ReadAsStringAsync(cancellationToken);
        throw ErrorInterceptor.Refusal(
            answer.StatusCode switch
            {
                HttpStatusCode.NotFound => StatusCode.NotFound,
                HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => StatusCode.PermissionDenied,
                HttpStatusCode.Conflict => StatusCode.Aborted,
                _ => StatusCode.Unavailable,
            },
            $"Kubernetes answers {(int)answer.StatusCode} to '{verb}' of '{trial}' in '{@namespace}'; "
            + $"the pod's service account must be allowed to get trials and to update trials/status. {words[..Math.Min(words.Length, 500)]}");
    }
}
