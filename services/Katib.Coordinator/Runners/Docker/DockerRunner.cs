using System.Collections.Immutable;
using Docker.DotNet;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Runs each trial as a container of a Docker daemon, which outlives the coordinator.</summary>
/// <remarks>
/// Disposing lets the trials run on, for the next coordinator to adopt; <see cref="StopAsync"/> and
/// <see cref="SweepAsync"/> end them. Everything goes through the daemon's API and nothing through paths of its
/// machine, so that the coordinator may be a container beside the trials'.
/// </remarks>
public sealed class DockerRunner : ITrialRunner
{
    private readonly DockerSite _site;
    private readonly FollowedTrials _trials;

    /// <summary>A runner of one experiment's trials; there may be only one at a time that starts them.</summary>
    /// <exception cref="RunnerUnavailableException">What is configured is no address of a daemon.</exception>
    public DockerRunner(
        DockerRunnerOptions options, Func<TrialJob, ILineParser> parsers, IProgress<string> progress, TimeProvider time)
    {
        _site = new(options, progress, time);
        _trials = new(parsers, time);
    }

    /// <inheritdoc/>
    public string? Trouble => _site.Docker.Trouble;

    /// <inheritdoc/>
    public async Task<ImmutableArray<Problem>> CheckAsync(
        TrialTemplate template, MetricsCollectorSpec collector, CancellationToken cancellationToken)
    {
        _ = await DockerConnection.OnceAsync(_site.Docker.Client.System.GetVersionAsync, cancellationToken);
        var container = ContainerReader.Read(template.RunObject, template.PrimaryContainerName);
        var field = container.Program.Container.Field;
        if (container.Limits.Gpus > 1 && !_site.Options.Gpus.IsEmpty)
        {
            return
            [
                new(
                    $"{field}.resources.limits.nvidia.com/gpu",
                    $"{container.Limits.Gpus}",
                    "With devices given, each trial gets one; ask for 1, or let Docker choose without --gpus."),
            ];
        }

        try
        {
            if (!container.Image.Contains("${", StringComparison.Ordinal))
            {
                _ = await _site.Images.PrepareAsync(container, static (_, _) => default, cancellationToken);
            }

            if (CollectorContainer.Of(container, collector) is { } own)
            {
                field = CollectorContainer.Field;
                container = own;
                _ = await _site.Images.PrepareAsync(own, static (_, _) => default, cancellationToken);
            }

            return [];
        }
        catch (ImageProblemException missing)
        {
            return [new($"{field}.image", container.Image, missing.Message)];
        }
        catch (DockerApiException refusal)
        {
            return [new($"{field}.image", container.Image, $"Docker refuses it: {DaemonWords.Of(refusal)}.")];
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(TrialJob job, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        AttemptFolder.ThrowIfNoName(job.Trial);
        _trials.Begin(job, () => new ContainerAttempt(_site, job));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(string trial, CancellationToken cancellationToken)
    {
        AttemptFolder.ThrowIfNoName(trial);
        return _trials.LetGoAsync(trial, async () =>
        {
            await RemoveAsync(_site.Labels.Of(trial), sparesKept: false, cancellationToken);
            _site.Gpus.Release(trial);
        });
    }

    /// <inheritdoc/>
    public Task SweepAsync(bool sparesKept, CancellationToken cancellationToken) => _trials.LetGoAsync(async () =>
    {
        await RemoveAsync(_site.Labels.OfExperiment(), sparesKept, cancellationToken);
        _site.Gpus.ReleaseAll();
    });

    /// <inheritdoc/>
    public IAsyncEnumerable<TrialEvent> WatchAsync(CancellationToken cancellationToken) =>
        _trials.WatchAsync(cancellationToken);

    /// <summary>Lets go of the trials, which run on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _trials.DisposeAsync();
        _site.Dispose();
    }

    private async Task RemoveAsync(Dictionary<string, string> labels, bool sparesKept, CancellationToken cancellationToken) =>
        _ = await DockerConnection.OnceAsync(
            async token =>
            {
                await ContainerRemoval.RemoveAsync(_site.Docker.Client, labels, sparesKept, _site.Options.Grace, token);
                return true;
            },
            cancellationToken);
}

/// <summary>Whose trials a <see cref="DockerRunner"/> runs, and with what.</summary>
/// <param name="Store">Tells the trials of one store from those of another that uses the same daemon.</param>
/// <param name="Namespace">The experiment's namespace.</param>
/// <param name="Experiment">Its name.</param>
/// <param name="Folder">Where each attempt has its folder, <c>TRIAL/ATTEMPT</c>; one experiment's alone.</param>
/// <param name="Gpus">The devices, each for one trial at a time; empty to leave the choice to Docker.</param>
public sealed record DockerRunnerOptions(
    string Store, string Namespace, string Experiment, string Folder, ImmutableArray<string> Gpus)
{
    /// <summary>How long a stopped trial may take to end itself before it is killed; whole seconds.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The daemon's address; null for the one that docker itself would use.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>How long a collector's container may go on after the trial's has ended; whole seconds.</summary>
    public TimeSpan CollectorGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it is looked whether a metrics file has grown, and a broken log is taken up again.</summary>
    public TimeSpan CopyEvery { get; init; } = TimeSpan.FromMilliseconds(500);
}
