using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>An experiment's run objects, their pods, and the warnings of their namespace, as they are now.</summary>
internal sealed class ClusterFeeds : IAsyncDisposable
{
    private readonly ObjectFeed _runObjects;
    private readonly ObjectFeed _pods;
    private readonly ObjectFeed _warnings;

    /// <summary>Begins to follow them; <paramref name="changed"/> is told the trials of which something is new.</summary>
    public ClusterFeeds(ClusterApi api, ObjectKind kind, string @namespace, string selector, Action<string> changed)
    {
        Kind = kind;
        _runObjects = new(api, kind.PathIn(@namespace), selector, Tell);
        _pods = new(api, ObjectKind.Pod.PathIn(@namespace), selector, Tell);
        _warnings = new(
            api,
            ObjectKind.Event.PathIn(@namespace),
            $"fieldSelector={Uri.EscapeDataString("type=Warning")}",
            warning =>
            {
                var subject = SubjectOf(warning);
                changed(_pods?.Find(subject)?.Label(TrialLabels.Trial) ?? subject);
            });

        void Tell(JsonObject subject)
        {
            if (subject.Label(TrialLabels.Trial) is { } trial)
            {
                changed(trial);
            }
        }
    }

    /// <summary>The run objects' kind.</summary>
    public ObjectKind Kind { get; }

    /// <summary>Whether the cluster knows containers that end when the others of their pod have.</summary>
    public bool HasSidecars { get; init; }

    /// <summary>A trial's run object; null when there is none.</summary>
    public JsonObject? RunObject(string trial) => _runObjects.Find(trial);

    /// <summary>The pods of one attempt, the oldest first.</summary>
    public JsonObject[] Pods(TrialJob job) => PodsOf(_pods.All, job);

    /// <summary>Those of them that are pods of one attempt, the oldest first.</summary>
    public static JsonObject[] PodsOf(IEnumerable<JsonObject> pods, TrialJob job) =>
    [
        .. pods
            .Where(pod => pod.Label(TrialLabels.Trial) == job.Trial && pod.Label(TrialLabels.Attempt) == TrialLabels.NumberOf(job))
            .OrderBy(static pod => pod["metadata"].TimeAt("creationTimestamp"))
            .ThenBy(static pod => pod.Name(), StringComparer.Ordinal),
    ];

    /// <summary>The newest warning about an object; null when there is none.</summary>
    public JsonObject? Warning(JsonObject subject) => _warnings.All
        .Where(warning => (string?)warning["involvedObject"]?["uid"] == subject.Uid())
        .MaxBy(static warning => warning.TimeAt("lastTimestamp") ?? warning.TimeAt("eventTime"));

    /// <summary>Completes when all of it is known.</summary>
    /// <exception cref="ClusterRefusalException">Some of it may not be looked at.</exception>
    public Task ListedAsync(CancellationToken cancellationToken) => Task.WhenAll(
        _runObjects.ListedAsync(cancellationToken), _pods.ListedAsync(cancellationToken), _warnings.ListedAsync(cancellationToken));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _runObjects.DisposeAsync();
        await _pods.DisposeAsync();
        await _warnings.DisposeAsync();
    }

    private static string SubjectOf(JsonObject warning) => (string?)warning["involvedObject"]?["name"] ?? "";
}
