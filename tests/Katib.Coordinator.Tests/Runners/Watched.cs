using System.Collections.Immutable;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>A runner whose events are collected as they come.</summary>
internal sealed class Watched : IAsyncDisposable
{
    private readonly CancellationTokenSource _done = new();
    private readonly Lock _gate = new();
    private readonly List<TrialEvent> _events = [];
    private readonly Task _watching;

    public Watched(ITrialRunner runner)
    {
        Runner = runner;
        _watching = Task.Run(async () =>
        {
            await foreach (var happened in runner.WatchAsync(_done.Token))
            {
                lock (_gate)
                {
                    _events.Add(happened);
                }
            }
        });
    }

    public ITrialRunner Runner { get; }

    public ImmutableArray<TrialEvent> Of(string trial)
    {
        lock (_gate)
        {
            return [.. _events.Where(happened => happened.Trial == trial)];
        }
    }

    public string[] Values(string trial) =>
        [.. Of(trial).OfType<TrialEvent.Measured>().SelectMany(static m => m.Points).Select(static p => p.Value)];

    public Task StartAsync(TrialJob job) => Runner.StartAsync(job, TestContext.Current.CancellationToken);

    public Task StopAsync(string trial) => Runner.StopAsync(trial, TestContext.Current.CancellationToken);

    public async Task<TrialExit> EndAsync(string trial)
    {
        await Wait.UntilAsync(
            () => _watching.IsFaulted || Of(trial).Any(static e => e is TrialEvent.Ended), $"the end of {trial}");
        if (_watching.IsFaulted)
        {
            await _watching;
        }

        return Of(trial).OfType<TrialEvent.Ended>().First().Exit;
    }

    public async Task<TrialExit> RunAsync(TrialJob job)
    {
        await StartAsync(job);
        return await EndAsync(job.Trial);
    }

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await Runner.DisposeAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _done.Dispose();
    }
}

internal static class Wait
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static Task UntilAsync(Func<bool> isTrue, string what) => UntilAsync(() => Task.FromResult(isTrue()), what);

    public static async Task UntilAsync(Func<Task<bool>> isTrue, string what)
    {
        var begun = TimeProvider.System.GetTimestamp();
        while (!await isTrue())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < Patience, $"Waited in vain for: {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
        }
    }
}
