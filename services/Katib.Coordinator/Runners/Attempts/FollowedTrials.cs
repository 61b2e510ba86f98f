using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>The trials that a runner follows, and what is heard of them.</summary>
internal sealed class FollowedTrials(Func<TrialJob, ILineParser> parsers, TimeProvider time) : IAsyncDisposable
{
    private const int MaxUnreadEvents = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, FollowedTrial> _trials = new(StringComparer.Ordinal);
    private readonly Channel<(FollowedTrial Trial, TrialEvent Event)> _events =
        Channel.CreateBounded<(FollowedTrial, TrialEvent)>(
            new BoundedChannelOptions(MaxUnreadEvents) { SingleReader = true });

    private bool _disposed;

    /// <summary>Begins to follow the job's attempt, unless it is followed already.</summary>
    public void Begin(TrialJob job, Func<IAttempt> attempt)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_trials.TryGetValue(job.Trial, out var known))
            {
                if (known.Job.Attempt != job.Attempt)
                {
                    throw new InvalidOperationException(
                        $"Attempt {known.Job.Attempt} at trial '{job.Trial}' still runs; stop it before the next one.");
                }

                return;
            }

            var trial = new FollowedTrial(job, attempt(), parsers, time, ReportAsync);
            _trials.Add(job.Trial, trial);
            trial.Begin();
            _ = PassOnBugsAsync(trial);
        }
    }

    /// <summary>Follows the trial no further; forgets it after <paramref name="stop"/>, so that it is not started before.</summary>
    public async Task LetGoAsync(string trial, Func<Task> stop)
    {
        FollowedTrial? known;
        lock (_gate)
        {
            _ = _trials.TryGetValue(trial, out known);
        }

        if (known is not null)
        {
            await known.LetGoAsync();
        }

        await stop();
        if (known is not null)
        {
            Forget(known);
        }
    }

    /// <summary>The same for all of them.</summary>
    public async Task LetGoAsync(Func<Task> stop)
    {
        FollowedTrial[] followed;
        lock (_gate)
        {
            followed = [.. _trials.Values];
        }

        await Task.WhenAll(followed.Select(static trial => trial.LetGoAsync()));
        await stop();
        foreach (var trial in followed)
        {
            Forget(trial);
        }
    }

    /// <inheritdoc cref="ITrialRunner.WatchAsync"/>
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
}
