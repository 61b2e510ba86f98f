using System.Collections.Immutable;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>One attempt at a trial that this coordinator has started or adopted, until it ends or is let go.</summary>
internal sealed class FollowedTrial(
    TrialJob job,
    IAttempt attempt,
    Func<TrialJob, ILineParser> parsers,
    TimeProvider time,
    Func<FollowedTrial, TrialEvent, CancellationToken, ValueTask> report) : IDisposable
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _letGo = new();
    private long _reported;

    public TrialJob Job => job;

    /// <summary>Whether nobody wants to hear of it any more.</summary>
    public bool IsLetGo => _letGo.IsCancellationRequested;

    /// <summary>Completes after the last report.</summary>
    public Task Following { get; private set; } = Task.CompletedTask;

    public void Begin() => Following = Task.Run(FollowAsync);

    /// <summary>Follows no further; what runs of the trial is left as it is.</summary>
    public async Task LetGoAsync()
    {
        await _letGo.CancelAsync();
        await Following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _letGo.Dispose();

    private async Task FollowAsync()
    {
        var token = _letGo.Token;
        var ending = attempt.EndAsync(token);
        var parser = parsers(job);
        await ReadMetricsAsync(parser, ending, token);
        var exit = await ending with { WhyUnavailable = parser.WhyMissing(job.MetricNames[0]) };
        await report(this, new TrialEvent.Ended(job.Trial, exit), token);
    }

    private async Task ReadMetricsAsync(ILineParser parser, Task ending, CancellationToken cancellationToken)
    {
        var tail = new FileTail(attempt.MetricsFile);
        using (var timer = new PeriodicTimer(ReadEvery, time))
        {
            while (!ending.IsCompleted)
            {
                _ = await Task.WhenAny(ending, timer.WaitForNextTickAsync(cancellationToken).AsTask());
                cancellationToken.ThrowIfCancellationRequested();
                if (!ending.IsCompleted)
                {
                    await MeasureAsync(parser, tail.ReadNew(), cancellationToken);
                }
            }
        }

        await MeasureAsync(parser, tail.ReadToEnd(), cancellationToken);
    }

    private async Task MeasureAsync(
        ILineParser parser, IEnumerable<List<string>> portions, CancellationToken cancellationToken)
    {
        foreach (var lines in portions)
        {
            ImmutableArray<MetricPoint> points = [.. lines.SelectMany(line => parser.Parse(line))];
            if (!points.IsEmpty)
            {
                await report(this, new TrialEvent.Measured(job.Trial, _reported, points), cancellationToken);
                _reported += points.Length;
            }
        }
    }
}
