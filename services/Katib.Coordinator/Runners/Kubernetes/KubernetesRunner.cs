using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>Runs each trial as an object of a Kubernetes cluster: a Job, a PyTorchJob, whatever its template holds.</summary>
/// <remarks>
/// Disposing lets the trials run on, for the next coordinator to adopt; <see cref="StopAsync"/> and
/// <see cref="SweepAsync"/> end them. Nothing is put into their pods but labels and variables, and, where metrics are
/// files, a container that prints them.
/// </remarks>
public sealed class KubernetesRunner : ITrialRunner
{
    private readonly KubernetesSite _site;
    private readonly FollowedTrials _trials;

    /// <summary>A runner of one experiment's trials; there may be only one at a time that starts them.</summary>
    /// <exception cref="RunnerUnavailableException">No cluster is configured.</exception>
    public KubernetesRunner(
        KubernetesRunnerOptions options, Func<TrialJob, ILineParser> parsers, IProgress<string> progress, TimeProvider time)
    {
        _site = new(options, progress, time);
        _trials = new(parsers, time);
    }

    /// <inheritdoc/>
    public string? Trouble => _site.Api.Trouble;

    /// <inheritdoc/>
    public async Task<ImmutableArray<Problem>> CheckAsync(
        TrialTemplate template, MetricsCollectorSpec collector, CancellationToken cancellationToken)
    {
        var options = _site.Options;
        var kind = await ClusterApi.OnceAsync(
            token => ObjectKind.FindAsync(_site.Api, options.ApiVersion, options.Kind, token), cancellationToken);
        return kind is null
            ? [new("trialTemplate.trialSpec.kind", options.Kind, new KindMissingException(options.ApiVersion, options.Kind).Message)]
            : await ClusterApi.OnceAsync(token => ClusterRights.MissingAsync(_site.Api, options.Namespace, kind, token), cancellationToken);
    }

    /// <inheritdoc/>
    public Task StartAsync(TrialJob job, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        AttemptFolder.ThrowIfNoName(job.Trial);
        _trials.Begin(job, () => new KubernetesAttempt(_site, job));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(string trial, CancellationToken cancellationToken)
    {
        AttemptFolder.ThrowIfNoName(trial);
        return _trials.LetGoAsync(trial, () => RemoveAsync(_site.Labels.SelectorOf(trial), sparesKept: false, cancellationToken));
    }

    /// <inheritdoc/>
    public Task SweepAsync(bool sparesKept, CancellationToken cancellationToken) =>
        _trials.LetGoAsync(() => RemoveAsync(_site.Labels.Selector, sparesKept, cancellationToken));

    /// <inheritdoc/>
    public IAsyncEnumerable<TrialEvent> WatchAsync(CancellationToken cancellationToken) =>
        _trials.WatchAsync(cancellationToken);

    /// <summary>Lets go of the trials, which run on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _trials.DisposeAsync();
        await _site.DisposeAsync();
    }

    /// <summary>A cluster that is away is waited for, but not for ever: there may be somebody who waits for us.</summary>
    private async Task RemoveAsync(string selector, bool sparesKept, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_site.Options.StopPatience, _site.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var options = _site.Options;
            var kind = await _site.KindAsync(either.Token);
            var left = await _site.Api.CallAsync(
                token => _site.Api.GetAsync($"{kind.PathIn(options.Namespace)}?{selector}", token), either.Token);
            await Parallel.ForEachAsync(
                (left["items"] as JsonArray ?? []).OfType<JsonObject>().Where(found => !sparesKept || !IsKept(found)),
                new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = either.Token },
                async (found, token) => await _site.DeleteAsync(kind, found, token));
        }
        catch (KindMissingException)
        {
            // With their kind the cluster has removed the objects themselves.
        }
        catch (ClusterRefusalException refusal)
        {
            throw new RunnerUnavailableException($"The cluster does not let trials be removed: {refusal.Message}", refusal);
        }
        catch (OperationCanceledException slow) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RunnerUnavailableException(
                $"{_site.Api.Trouble ?? "The cluster is slow to remove trials."} Trials may be left; the same command removes them.", slow);
        }
    }

    /// <summary>Whether it is to stay and has ended.</summary>
    private bool IsKept(JsonObject runObject) =>
        runObject.Label(TrialLabels.Kept) is not null
        && (ConditionPath.Parse(_site.Options.Template.SuccessCondition).Match(runObject)
            ?? ConditionPath.Parse(_site.Options.Template.FailureCondition).Match(runObject)) is not null;
}
