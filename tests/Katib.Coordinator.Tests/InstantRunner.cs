using System.Collections.Immutable;
using System.Threading.Channels;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Tests;

/// <summary>Trials that report their number as the loss, unless silent, and end as told; null lets them run on.</summary>
internal sealed class InstantRunner(Func<TrialJob, TrialExit?> exit, bool isSilent = false) : ITrialRunner
{
    private readonly Channel<TrialEvent> _events = Channel.CreateUnbounded<TrialEvent>();
    private readonly SemaphoreSlim _starts = new(0);

    public List<TrialJob> Started { get; } = [];

    public List<string> Stopped { get; } = [];

    public Task StartAsync(TrialJob job, CancellationToken cancellationToken)
    {
        Started.Add(job);
        if (!isSilent)
        {
            _ = _events.Writer.TryWrite(new TrialEvent.Measured(job.Trial, "", 0, [new("loss", $"{Started.Count}", null)]));
        }

        if (exit(job) is { } end)
        {
            _ = _events.Writer.TryWrite(new TrialEvent.Ended(job.Trial, end));
        }

        _ = _starts.Release();
        return Task.CompletedTask;
    }

    /// <summary>Lets a trial end.</summary>
    public void End(string trial) => _events.Writer.TryWrite(new TrialEvent.Ended(trial, new(TrialExitKind.Exited, 0, "")));

    /// <summary>Lets something else happen to a trial.</summary>
    public void Tell(TrialEvent happened) => _events.Writer.TryWrite(happened);

    public Task<ImmutableArray<Problem>> CheckAsync(
        TrialTemplate template, MetricsCollectorSpec collector, CancellationToken cancellationToken) =>
        Task.FromResult<ImmutableArray<Problem>>([]);

    public Task SweepAsync(bool sparesKept, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(string trial, CancellationToken cancellationToken)
    {
        lock (Stopped)
        {
            Stopped.Add(trial);
        }

        return Task.CompletedTask;
    }

    public IAsyncEnumerable<TrialEvent> WatchAsync(CancellationToken cancellationToken) =>
        _events.Reader.ReadAllAsync(cancellationToken);

    public async Task StartedAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.True(await _starts.WaitAsync(TimeSpan.FromSeconds(60)), $"start number {i + 1} did not come");
        }
    }

    public ValueTask DisposeAsync()
    {
        _starts.Dispose();
        return ValueTask.CompletedTask;
    }
}
