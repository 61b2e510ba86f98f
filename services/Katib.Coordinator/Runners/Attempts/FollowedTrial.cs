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
    private readonly Dictionary<string, long> _reported = new(StringComparer.Ordinal);

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
        var source = MetricsSources.Of(job, attempt, parsers, time);
        await ReadMetricsAsync(source, ending, token);
        var exit = await ending with { WhyUnavailable = source.WhyMissing(job.MetricNames[0]) };
        await report(this, new TrialEvent.Ended(job.Trial, exit), token);
    }

    private async Task ReadMetricsAsync(IMetricsSource source, Task ending, CancellationToken cancellationToken)
    {
        using (var timer = new PeriodicTimer(ReadEvery, time))
        {
            while (!ending.IsCompleted)
            {
                _ = await Task.WhenAny(ending, timer.WaitForNextTickAsync(cancellationToken).AsTask());
                cancellationToken.ThrowIfCancellationRequested();
                if (!ending.IsCompleted)
                {
                    await MeasureAsync(source.ReadNewAsync(cancellationToken), cancellationToken);
                }
            }
        }

        await MeasureAsync(source.ReadToEndAsync(cancellationToken), cancellationToken);
    }

    private async Task MeasureAsync(IAsyncEnumerable<Report> reports, CancellationToken cancellationToken)
    {
        await foreach (var (stream, points) in
            reports.Where(static r => !r.Points.IsEmpty).WithCancellation(cancellationToken))
        {
            var first = _reported.GetValueOrDefault(stream);
            await report(this, new TrialEvent.Measured(job.Trial, stream, first, points), cancellationToken);
            _reported[stream] = first + points.Length;
        }
    }
}
