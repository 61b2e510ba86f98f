using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>What Kubeflow's training operator does, as far as a tuner sees it: pods with its labels, and its conditions.</summary>
/// <remarks>
/// After https://github.com/kubeflow/trainer (release 1.x): labels <c>training.kubeflow.org/…</c>; the first worker is the
/// master where no replica of that type is there; conditions Created, Running, Suspended, Succeeded, Failed.
/// </remarks>
internal sealed class TrainingOperator : IAsyncDisposable
{
    private const string Group = "kubeflow.org";
    private const string Mended = "KATIB_CLUSTER_HAS_CUSTOM_RESOURCES";

    private static readonly (string Kind, string Plural, string Replicas)[] Kinds =
    [
        ("PyTorchJob", "pytorchjobs", "pytorchReplicaSpecs"), ("TFJob", "tfjobs", "tfReplicaSpecs"),
    ];

    private readonly string _namespace;
    private readonly ClusterApi _api = ClusterHere.Open();
    private readonly CancellationTokenSource _end = new();
    private readonly Task _working;

    private TrainingOperator(string @namespace)
    {
        _namespace = @namespace;
        _working = Task.Run(WorkAsync);
    }

    /// <summary>Skips the test where the cluster's API server would fall at the first custom resource.</summary>
    /// <remarks>
    /// Kubernetes before 1.23 brings a release of the Go package reflect2 that reads beyond its arguments under Go 1.18 and later
    /// (https://github.com/modern-go/reflect2, 1.0.2 has it right). A build in which this is mended cannot be told by its version.
    /// </remarks>
    private static async Task SkipUnlessServedAsync()
    {
        const int mended = 23;
        using var api = ClusterHere.Open();
        var version = await api.GetAsync("/version", TestContext.Current.CancellationToken);
        var (kubernetes, go) = ((string)version["gitVersion"]!, (string)version["goVersion"]!);
        var falls = int.Parse(kubernetes.Split('.')[1], CultureInfo.InvariantCulture) < mended
            && int.Parse(go.Split('.')[1], CultureInfo.InvariantCulture) >= 18
            && Environment.GetEnvironmentVariable(Mended) is not "true";
        Assert.SkipWhen(
            falls,
            $"The API server of Kubernetes {kubernetes}, built with {go}, falls at the first custom resource; {Mended}=true where it does not.");
    }

    /// <summary>Installs the definitions of both kinds, where they are missing, and works on the jobs of a namespace.</summary>
    public static async Task<TrainingOperator> StartAsync(string @namespace)
    {
        await SkipUnlessServedAsync();
        using var api = ClusterHere.Open();
        foreach (var (kind, plural, replicas) in Kinds)
        {
            try
            {
                _ = await api.CreateAsync(
                    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definition(kind, plural, replicas), CancellationToken.None);
            }
            catch (ClusterRefusalException known) when (known.Status is HttpStatusCode.Conflict)
            {
                // Of an earlier test.
            }

            await Wait.UntilAsync(
                async () => await ObjectKind.FindAsync(api, $"{Group}/v1", kind, CancellationToken.None) is not null, $"{kind} is served");
        }

        return new(@namespace);
    }

    /// <summary>Lets a suspended job go on, as a queue would.</summary>
    public async Task ResumeAsync(string plural, string name)
    {
        var path = PathOf(plural, name);
        await Wait.UntilAsync(
            async () =>
            {
                var job = await _api.GetAsync(path, CancellationToken.None);
                job["spec"]!["runPolicy"]!["suspend"] = false;
                return await TryAsync(() => _api.ReplaceAsync(path, job, CancellationToken.None));
            },
            $"{name} goes on");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _api.Dispose();
        _end.Dispose();
    }

    private static JsonObject Definition(string kind, string plural, string replicas) => Jobs.Parse("""
        {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'PLURAL.kubeflow.org'},
         'spec': {'group': 'kubeflow.org', 'scope': 'Namespaced', 'names': {'kind': 'KIND', 'plural': 'PLURAL'},
          'versions': [{'name': 'v1', 'served': true, 'storage': true, 'subresources': {'status': {}}, 'schema': {'openAPIV3Schema': {
            'type': 'object', 'properties': {
              'spec': {'type': 'object', 'required': ['REPLICAS'], 'properties': {
                'runPolicy': {'type': 'object', 'properties': {'suspend': {'type': 'boolean'}}, 'x-kubernetes-preserve-unknown-fields': true},
                'REPLICAS': {'type': 'object', 'additionalProperties': {'type': 'object', 'properties': {
                  'replicas': {'type': 'integer'}, 'restartPolicy': {'type': 'string'},
                  'template': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': true}}}}}},
              'status': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': true}}}}}]}}
        """
        .Replace("PLURAL", plural, StringComparison.Ordinal)
        .Replace("KIND", kind, StringComparison.Ordinal)
        .Replace("REPLICAS", replicas, StringComparison.Ordinal));

    private async Task WorkAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(300));
        while (await timer.WaitForNextTickAsync(_end.Token))
        {
            foreach (var (kind, plural, replicas) in Kinds)
            {
                var jobs = await _api.GetAsync(PathOf(plural), _end.Token);
                foreach (var job in jobs["items"]!.AsArray().OfType<JsonObject>().Where(static j => !j.IsGoing()))
                {
                    _ = await TryAsync(() => ReconcileAsync(job, kind, plural, replicas));
                }
            }
        }
    }

    /// <summary>Makes the pods that are missing, and says how the job stands.</summary>
    private async Task<JsonObject> ReconcileAsync(JsonObject job, string kind, string plural, string replicas)
    {
        var name = job.Name();
        var status = job["status"] as JsonObject ?? [];
        if (HasEnded(status))
        {
            return job;
        }

        if ((bool?)job["spec"]?["runPolicy"]?["suspend"] is true)
        {
            return await SayAsync(job, plural, "Suspended");
        }

        var roles = job["spec"]![replicas]!.AsObject();
        var master = roles.Select(static r => r.Key).FirstOrDefault(static r => r is "Master" or "Chief") ?? "Worker";
        foreach (var (role, replica) in roles)
        {
            for (var i = 0; i < ((int?)replica!["replicas"] ?? 1); i++)
            {
                await MakeAsync(job, kind, role, i, isMaster: role == master && i is 0, replica);
            }
        }

        var phase = (string?)(await _api.GetAsync(
            ObjectKind.Pod.PathOf(_namespace, $"{name}-{master.ToLowerInvariant()}-0"), _end.Token))["status"]?["phase"];
        return await SayAsync(job, plural, phase is "Succeeded" or "Failed" ? phase : "Running");
    }

    private async Task MakeAsync(JsonObject job, string kind, string role, int index, bool isMaster, JsonNode replica)
    {
        var pod = (JsonObject)replica["template"]!.DeepClone();
        pod["metadata"]!["name"] = $"{job.Name()}-{role.ToLowerInvariant()}-{index}";
        var labels = pod["metadata"]!["labels"]!;
        labels["training.kubeflow.org/job-name"] = job.Name();
        labels["training.kubeflow.org/replica-type"] = role.ToLowerInvariant();
        if (isMaster)
        {
            labels["training.kubeflow.org/job-role"] = "master";
        }

        pod["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = $"{Group}/v1",
            ["kind"] = kind,
            ["name"] = job.Name(),
            ["uid"] = job.Uid(),
            ["controller"] = true,
            ["blockOwnerDeletion"] = true,
        });
        pod["spec"]!["restartPolicy"] = (string?)replica["restartPolicy"] ?? "Never";
        _ = await TryAsync(() => _api.CreateAsync(ObjectKind.Pod.PathIn(_namespace), pod, _end.Token));
    }

    /// <summary>Puts a condition last, and takes back those that do not hold any more.</summary>
    private async Task<JsonObject> SayAsync(JsonObject job, string plural, string type)
    {
        var conditions = (job["status"]?["conditions"]?.DeepClone() as JsonArray) ?? [];
        if (conditions.LastOrDefault() is JsonObject newest && (string?)newest["type"] == type)
        {
            return job;
        }

        foreach (var earlier in conditions.OfType<JsonObject>().Where(static c => (string?)c["type"] is not "Created"))
        {
            earlier["status"] = "False";
        }

        conditions.Add((JsonNode)new JsonObject
        {
            ["type"] = type,
            ["status"] = "True",
            ["reason"] = $"Job{type}",
            ["message"] = $"{job.Name()} is {type}",
        });
        var changed = (JsonObject)job.DeepClone();
        changed["status"] = new JsonObject { ["conditions"] = conditions };
        return await _api.ReplaceAsync($"{PathOf(plural, job.Name())}/status", changed, _end.Token);
    }

    private static bool HasEnded(JsonObject status) =>
        (status["conditions"] as JsonArray)?.LastOrDefault() is JsonObject last && (string?)last["type"] is "Succeeded" or "Failed";

    private string PathOf(string plural, string? name = null) =>
        $"/apis/{Group}/v1/namespaces/{_namespace}/{plural}{(name is null ? "" : $"/{name}")}";

    /// <summary>Whether it could be done; what was changed meanwhile, or is there already, is looked at the next time.</summary>
    private static async Task<bool> TryAsync(Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (ClusterRefusalException refusal) when (refusal.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound)
        {
            return false;
        }
    }
}
