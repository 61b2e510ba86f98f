using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Local;

/// <summary>Runs each trial as processes of this machine, under a supervisor that outlives the coordinator.</summary>
/// <remarks>
/// Disposing lets the trials run on, for the next coordinator to adopt; <see cref="StopAsync"/> and
/// <see cref="SweepAsync"/> end them. With devices given, a started trial waits inside until one is free.
/// </remarks>
public sealed class ProcessRunner : ITrialRunner
{
    private readonly LocalSite _site;
    private readonly FollowedTrials _trials;

    /// <summary>A runner of the trials below one folder; there may be only one at a time that starts them.</summary>
    public ProcessRunner(ProcessRunnerOptions options, Func<TrialJob, ILineParser> parsers, TimeProvider time)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException(
                "Local trials need Linux or macOS; on Windows, run katib inside WSL.");
        }

        _site = new(options, time);
        _trials = new(parsers, time);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<Problem>> CheckAsync(
        TrialTemplate template, MetricsCollectorSpec collector, CancellationToken cancellationToken) =>
        Task.FromResult(
            LocalMachine.Check(template.RunObject, template.PrimaryContainerName, collector, _site.Options));

    /// <inheritdoc/>
    public Task StartAsync(TrialJob job, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        AttemptFolder.ThrowIfNoName(job.Trial);
        _trials.Begin(job, () => new ProcessAttempt(_site, job));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(string trial, CancellationToken cancellationToken)
    {
        AttemptFolder.ThrowIfNoName(trial);
        return _trials.LetGoAsync(trial, async () =>
        {
            foreach (var folder in AttemptFolder.AllOf(_site.Options.Folder, trial))
            {
                await EndAsync(folder, cancellationToken);
            }

            _site.Gpus.Release(trial);
        });
    }

    /// <inheritdoc/>
    public Task SweepAsync(bool sparesKept, CancellationToken cancellationToken) => _trials.LetGoAsync(async () =>
    {
        await Parallel.ForEachAsync(
            AttemptFolder.All(_site.Options.Folder).Where(static attempt => attempt.Folder.ReadExit() is null),
            cancellationToken,
            async (attempt, token) => await EndAsync(attempt.Folder, token));
        await _site.Tree.EndAsync(
            new TrialMarker(_site.Options.Folder, Below: true), _site.Options.Grace, cancellationToken);
        _site.Gpus.ReleaseAll();
    });

    /// <inheritdoc/>
    public IAsyncEnumerable<TrialEvent> WatchAsync(CancellationToken cancellationToken) =>
        _trials.WatchAsync(cancellationToken);

    /// <summary>Lets go of the trials, which run on.</summary>
    public ValueTask DisposeAsync() => _trials.DisposeAsync();

    /// <summary>Ends an attempt for good: a supervisor that has not yet begun never will.</summary>
    private async Task EndAsync(AttemptFolder folder, CancellationToken cancellationToken)
    {
        folder.Bar();
        await _site.Tree.EndAsync(folder, _site.Options.Grace, cancellationToken);
    }
}

/// <summary>Where and on what a <see cref="ProcessRunner"/> runs its trials.</summary>
/// <param name="Folder">Where each attempt has its folder, <c>TRIAL/ATTEMPT</c>; one experiment's alone.</param>
/// <param name="WorkingDirectory">Where a trial starts whose template has no workingDir, and what a relative one is
/// relative to.</param>
/// <param name="Gpus">The devices, each for one trial at a time; empty to leave the choice to the trials.</param>
public sealed record ProcessRunnerOptions(string Folder, string WorkingDirectory, ImmutableArray<string> Gpus)
{
    /// <summary>How long a stopped trial may take to end itself before it is killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);
}
