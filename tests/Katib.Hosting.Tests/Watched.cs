using System.Collections.Immutable;
using System.Diagnostics;
using System.Threading.Channels;

namespace Katib.Hosting.Tests;

/// <summary>Sees how long a search goes on after it was told to stop.</summary>
internal sealed class Watched(ISearchAlgorithm algorithm) : ISearchAlgorithm
{
    private readonly Lock _lock = new();
    private readonly Channel<bool> _starts = Channel.CreateUnbounded<bool>();
    private TaskCompletionSource _idle = Completed();
    private int _running;

    /// <summary>The longest that one has gone on: by the clock, or by the processor where others keep it busy.</summary>
    public TimeSpan LongestOverrun { get; private set; }

    /// <summary>A message for every search that has started.</summary>
    public ChannelReader<bool> Starts => _starts.Reader;

    /// <summary>Completed when no search runs.</summary>
    public Task Idle
    {
        get
        {
            lock (_lock)
            {
                return _idle.Task;
            }
        }
    }

    public ImmutableArray<SettingDeclaration> Settings => algorithm.Settings;

    public Reply Suggest(Study study, int count, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _ = _starts.Writer.TryWrite(true);
            _idle = _running++ is 0 ? new(TaskCreationOptions.RunContinuationsAsynchronously) : _idle;
        }

        (long Time, TimeSpan Work)? told = null;
        using var registration = cancellationToken.UnsafeRegister(
            _ => told = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime), null);
        try
        {
            return algorithm.Suggest(study, count, cancellationToken);
        }
        finally
        {
            registration.Dispose();
            var overrun = told is var (since, work)
                ? Min(Stopwatch.GetElapsedTime(since), Environment.CpuUsage.TotalTime - work)
                : TimeSpan.Zero;
            lock (_lock)
            {
                LongestOverrun = overrun > LongestOverrun ? overrun : LongestOverrun;
                if (--_running is 0)
                {
                    _idle.SetResult();
                }
            }
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TaskCompletionSource Completed()
    {
        var completed = new TaskCompletionSource();
        completed.SetResult();
        return completed;
    }
}
