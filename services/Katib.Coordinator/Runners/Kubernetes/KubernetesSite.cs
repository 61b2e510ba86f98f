using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>What all trials of one runner share: the cluster, and their objects as they are now.</summary>
internal sealed class KubernetesSite : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, TrialSignal> _signals = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _end = new();
    private Task<ClusterFeeds>? _feeds;
    private ObjectKind? _kind;

    public KubernetesSite(KubernetesRunnerOptions options, IProgress<string> progress, TimeProvider time)
    {
        Options = options with { Folder = Path.GetFullPath(options.Folder) };
        _ = Directory.CreateDirectory(Options.Folder);
        Time = time;
        Labels = new(options.Store, options.Experiment);
        Api = new(progress, time);
    }

    public KubernetesRunnerOptions Options { get; }

    public TimeProvider Time { get; }

    public TrialLabels Labels { get; }

    public ClusterApi Api { get; }

    /// <summary>What is known of the experiment's objects, once it is whole.</summary>
    /// <exception cref="KindMissingException">The cluster does not serve the run objects' kind.</exception>
    /// <exception cref="ClusterRefusalException">They may not be looked at.</exception>
    public Task<ClusterFeeds> FeedsAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_feeds is null or { IsFaulted: true })
            {
                // For all trials, whoever asks first.
                _feeds = Task.Run(() => OpenAsync(_end.Token), CancellationToken.None);
            }

            return _feeds.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The kind of the run objects, which is looked up once.</summary>
    /// <exception cref="KindMissingException">The cluster does not serve it.</exception>
    public async Task<ObjectKind> KindAsync(CancellationToken cancellationToken) =>
        _kind ??= await Api.CallAsync(token => ObjectKind.FindAsync(Api, Options.ApiVersion, Options.Kind, token), cancellationToken)
            ?? throw new KindMissingException(Options.ApiVersion, Options.Kind);

    /// <summary>Is set whenever something of the trial has changed.</summary>
    public TrialSignal SignalOf(string trial) => _signals.GetOrAdd(trial, static _ => new());

    /// <summary>Deletes a run object with its pods, and returns when nothing of them is left.</summary>
    /// <exception cref="ClusterRefusalException">The cluster refuses.</exception>
    public Task DeleteAsync(ObjectKind kind, JsonObject runObject, CancellationToken cancellationToken)
    {
        var path = kind.PathOf(Options.Namespace, runObject.Name());
        var options = new JsonObject
        {
            // With its dependents, and gone itself when they are.
            ["propagationPolicy"] = "Foreground",
            ["preconditions"] = new JsonObject { ["uid"] = runObject.Uid() },
        };
        return Api.CallAsync(
            async token =>
            {
                await Api.DeleteAsync(path, (JsonObject)options.DeepClone(), token);
                await DeletePodsAsync(runObject.Label(TrialLabels.Trial) ?? runObject.Name(), token);
                while (await Api.FindAsync(path, token) is { } left && left.Uid() == runObject.Uid())
                {
                    await Task.Delay(Options.LookEvery, Time, token);
                }

                return true;
            },
            cancellationToken);
    }

    /// <summary>The pods of one attempt as they are just now, the oldest first.</summary>
    /// <exception cref="ClusterRefusalException">The cluster refuses.</exception>
    public Task<JsonObject[]> PodsAsync(TrialJob job, CancellationToken cancellationToken) =>
        Api.CallAsync(async token => ClusterFeeds.PodsOf(await ListPodsAsync(job.Trial, token), job), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Task<ClusterFeeds>? feeds;
        lock (_gate)
        {
            feeds = _feeds;
        }

        if (feeds is not null)
        {
            await ((Task)feeds).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (feeds.IsCompletedSuccessfully)
            {
                await (await feeds).DisposeAsync();
            }
        }

        Api.Dispose();
        _end.Dispose();
    }

    /// <summary>Pods of a trial that is over have no longer to end themselves than other runners' programs.</summary>
    private async Task DeletePodsAsync(string trial, CancellationToken cancellationToken)
    {
        foreach (var pod in (await ListPodsAsync(trial, cancellationToken)).Where(static p => !p.IsGoing()))
        {
            var asked = (int?)pod["spec"]?["terminationGracePeriodSeconds"] ?? KubernetesRunnerOptions.UsualGraceSeconds;
            var grace = asked is KubernetesRunnerOptions.UsualGraceSeconds ? (int)Options.Grace.TotalSeconds : asked;
            try
            {
                await Api.DeleteAsync(
                    ObjectKind.Pod.PathOf(Options.Namespace, pod.Name()), new() { ["gracePeriodSeconds"] = grace }, cancellationToken);
            }
            catch (ClusterRefusalException forbidden) when (forbidden.Status is HttpStatusCode.Forbidden)
            {
                // Then they take the time that is theirs.
            }
        }
    }

    private async Task<IEnumerable<JsonObject>> ListPodsAsync(string trial, CancellationToken cancellationToken)
    {
        var pods = await Api.GetAsync($"{ObjectKind.Pod.PathIn(Options.Namespace)}?{Labels.SelectorOf(trial)}", cancellationToken);
        return (pods["items"] as JsonArray ?? []).OfType<JsonObject>();
    }

    /// <summary>Since 1.29 a container may run beside the others and end when they have.</summary>
    private static bool HasSidecars(JsonObject version)
    {
        const int since = 29;
        return (string?)version["major"] is "1"
            && int.TryParse(((string?)version["minor"] ?? "").TrimEnd('+'), NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
            && minor >= since;
    }

    private async Task<ClusterFeeds> OpenAsync(CancellationToken cancellationToken)
    {
        var kind = await KindAsync(cancellationToken);
        var version = await Api.CallAsync(token => Api.GetAsync("/version", token), cancellationToken);
        var feeds = new ClusterFeeds(Api, kind, Options.Namespace, Labels.Selector, trial => SignalOf(trial).Set())
        {
            HasSidecars = HasSidecars(version),
        };
        try
        {
            await feeds.ListedAsync(cancellationToken);
            return feeds;
        }
        catch
        {
            await feeds.DisposeAsync();
            throw;
        }
    }
}

/// <summary>The cluster does not serve the kind of a template's run objects.</summary>
internal sealed class KindMissingException(string apiVersion, string kind)
    : Exception($"The cluster does not serve {kind} of {apiVersion}: install its operator, or correct apiVersion and kind.");
