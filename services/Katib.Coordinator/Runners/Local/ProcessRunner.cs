using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Katib.Coordinator.Runners.Local;

/// <summary>Runs each trial as processes of this machine, under a supervisor that outlives the coordinator.</summary>
/// <remarks>
/// Disposing lets the trials run on, for the next coordinator to adopt; <see cref="StopAsync"/> and
/// <see cref="SweepAsync"/> end them. With devices given, a started trial waits inside until one is free.
/// </remarks>
public sealed class ProcessRunner : ITrialRunner
{
    private const int MaxUnreadEvents = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, FollowedTrial> _trials = new(StringComparer.Ordinal);
    private readonly LocalSite _site;
    private readonly Channel<(FollowedTrial Trial, TrialEvent Event)> _events =
        Channel.CreateBounded<(FollowedTrial, TrialEvent)>(
            new BoundedChannelOptions(MaxUnreadEvents) { SingleReader = true });

    private bool _disposed;

    /// <summary>A runner of the trials below one folder; there may be only one at a time that starts them.</summary>
    public ProcessRunner(ProcessRunnerOptions options, Func<TrialJob, ILineParser> parsers, TimeProvider time)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException(
                "Local trials need Linux or macOS; on Windows, run katib inside WSL.");
        }

        _site = new(options, parsers, time);
    }

    /// <summary>The file with all that an attempt has printed, in the runner's folder.</summary>
    public static string OutputLog(string folder, string trial, int attempt) =>
        AttemptFolder.Of(folder, trial, attempt).OutputLog;

    /// <inheritdoc/>
    public Task StartAsync(TrialJob job, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfNoFolderName(job.Trial);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_trials.TryGetValue(job.Trial, out var known))
            {
                return known.Job.Attempt == job.Attempt
                    ? Task.CompletedTask
                    : throw new InvalidOperationException(
                        $"Attempt {known.Job.Attempt} at trial '{job.Trial}' still runs; stop it before the next one.");
            }

            var trial = new FollowedTrial(_site, job, ReportAsync);
            _trials.Add(job.Trial, trial);
            trial.Begin();
            _ = PassOnBugsAsync(trial);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(string trial, CancellationToken cancellationToken)
    {
        ThrowIfNoFolderName(trial);
        FollowedTrial? known;
        lock (_gate)
        {
            _ = _trials.TryGetValue(trial, out known);
        }

        if (known is not null)
        {
            await known.LetGoAsync();
        }

        foreach (var folder in AttemptFolder.AllOf(_site.Options.Folder, trial))
        {
            await EndAsync(folder, cancellationToken);
        }

        _site.Gpus.Release(trial);
        if (known is not null)
        {
            Forget(known);
        }
    }

    /// <summary>Ends every trial below the folder, whoever has started it; returns when no process is left.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        FollowedTrial[] followed;
        lock (_gate)
        {
            followed = [.. _trials.Values];
        }

        await Task.WhenAll(followed.Select(static trial => trial.LetGoAsync()));
        await Parallel.ForEachAsync(
            AttemptFolder.All(_site.Options.Folder).Where(static attempt => attempt.Folder.ReadExit() is null),
            cancellationToken,
            async (attempt, token) => await EndAsync(attempt.Folder, token));
        await _site.Tree.EndAsync(
            new TrialMarker(_site.Options.Folder, Below: true), _site.Options.Grace, cancellationToken);
        foreach (var trial in followed)
        {
            _site.Gpus.Release(trial.Job.Trial);
            Forget(trial);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TrialEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (trial, happened) in _events.Reader.ReadAllAsync(cancellationToken))
        {
            if (trial.IsLetGo)
            {
                continue;
            }

            // Not sooner: until its end is read a trial can be stopped without a word, and not be started twice.
            if (happened is TrialEvent.Ended)
            {
                Forget(trial);
            }

            yield return happened;
        }
    }

    /// <summary>Lets go of the trials, which run on.</summary>
    public async ValueTask DisposeAsync()
    {
        FollowedTrial[] followed;
        lock (_gate)
        {
            _disposed = true;
            followed = [.. _trials.Values];
        }

        await Task.WhenAll(followed.Select(static trial => trial.LetGoAsync()));
        _ = _events.Writer.TryComplete();
        foreach (var trial in followed)
        {
            trial.Dispose();
        }
    }

    /// <summary>Ends an attempt for good: a supervisor that has not yet begun never will.</summary>
    private async Task EndAsync(AttemptFolder folder, CancellationToken cancellationToken)
    {
        folder.Bar();
        await _site.Tree.EndAsync(folder, _site.Options.Grace, cancellationToken);
    }

    private ValueTask ReportAsync(FollowedTrial trial, TrialEvent happened, CancellationToken cancellationToken) =>
        _events.Writer.WriteAsync((trial, happened), cancellationToken);

    private async Task PassOnBugsAsync(FollowedTrial trial)
    {
        try
        {
            await trial.Following;
        }
        catch (OperationCanceledException) when (trial.IsLetGo)
        {
            // Nobody waits for its end.
        }
#pragma warning disable CA1031 // Whatever went wrong is for the reader of the events, who must not wait for ever.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            _ = _events.Writer.TryComplete(bug);
        }
    }

    private void Forget(FollowedTrial trial)
    {
        lock (_gate)
        {
            if (_trials.TryGetValue(trial.Job.Trial, out var known) && known == trial)
            {
                _ = _trials.Remove(trial.Job.Trial);
            }
        }
    }

    private static void ThrowIfNoFolderName(string trial)
    {
        if (trial.Length is 0 || trial[0] is '.' || trial.AsSpan().ContainsAny('/', '\0'))
        {
            throw new ArgumentException($"'{trial}' is no name of a trial: it cannot name a folder.", nameof(trial));
        }
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
