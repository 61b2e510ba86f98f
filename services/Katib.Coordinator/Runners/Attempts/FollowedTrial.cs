using Katib.Coordinator.Experiments;

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

    /// <summary>A program that runs and has no value of the objective's metric is looked at after each such time.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _letGo = new();
    private readonly Dictionary<string, long> _reported = new(StringComparer.Ordinal);

    private long _notedAt = time.GetTimestamp();
    private (string Reason, string Message) _noted = (TrialReasons.Running, TrialReasons.RunningMessage);
    private bool _hasObjective;
    private int _run;

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
        var ending = attempt.EndAsync(NoteAsync, token);
        var source = await ReadMetricsAsync(ending, token);
        var exit = await ending with { WhyUnavailable = source.WhyMissing(job.MetricNames[0]) };
        await report(this, new TrialEvent.Ended(job.Trial, exit), token);
    }

    private async Task<IMetricsSource> ReadMetricsAsync(Task ending, CancellationToken cancellationToken)
    {
        var source = MetricsSources.Of(job, attempt, parsers, time);
        using (var timer = new PeriodicTimer(ReadEvery, time))
        {
            while (!ending.IsCompleted)
            {
                _ = await Task.WhenAny(ending, timer.WaitForNextTickAsync(cancellationToken).AsTask());
                cancellationToken.ThrowIfCancellationRequested();
                source = await BeginAgainAsync(source, cancellationToken);
                if (!ending.IsCompleted)
                {
                    await MeasureAsync(source.ReadNewAsync(cancellationToken), cancellationToken);
                    await NoteSilenceAsync(source);
                }
            }
        }

        await MeasureAsync(source.ReadToEndAsync(cancellationToken), cancellationToken);
        return source;
    }

    /// <summary>Where the program was started again, forgets what it has reported before.</summary>
    private async ValueTask<IMetricsSource> BeginAgainAsync(IMetricsSource source, CancellationToken cancellationToken)
    {
        if (attempt.Run == _run)
        {
            return source;
        }

        _run = attempt.Run;
        _reported.Clear();
        _hasObjective = false;
        await report(this, new TrialEvent.Restarted(job.Trial), cancellationToken);
        return MetricsSources.Of(job, attempt, parsers, time);
    }

    private async Task MeasureAsync(IAsyncEnumerable<Report> reports, CancellationToken cancellationToken)
    {
        await foreach (var (stream, points) in
            reports.Where(static r => !r.Points.IsEmpty).WithCancellation(cancellationToken))
        {
            var first = _reported.GetValueOrDefault(stream);
            await report(this, new TrialEvent.Measured(job.Trial, stream, first, points), cancellationToken);
            _reported[stream] = first + points.Length;
            _hasObjective |= points.Any(p => p.Metric == job.MetricNames[0]);
        }
    }

    private async ValueTask NoteAsync(string reason, string message)
    {
        _notedAt = time.GetTimestamp();
        if (_noted != (reason, message))
        {
            _noted = (reason, message);
            await report(this, new TrialEvent.Noted(job.Trial, reason, message), _letGo.Token);
        }
    }

    /// <summary>Says what there is in place of a value, before the user has to ask.</summary>
    private async ValueTask NoteSilenceAsync(IMetricsSource source)
    {
        if (_hasObjective || _noted.Reason is not (TrialReasons.Running or TrialReasons.NothingReported)
            || time.GetElapsedTime(_notedAt) < Silence)
        {
            return;
        }

        var metric = job.MetricNames[0];
        var sentences = new[] { $"It runs; no value of '{metric}' so far.", source.WhyMissing(metric), Printed() };
        await NoteAsync(TrialReasons.NothingReported, string.Join(' ', sentences.Where(static s => s is not null)));
    }

    private string Printed() =>
        Path.GetDirectoryName(attempt.OutputLog) is var folder && !Directory.Exists(folder) ? $"Its folder '{folder}' was removed."
        : ExitMessage.LastLine(attempt.OutputLog) is { } line ? $"The last line of its log is '{line}'."
        : "It has printed nothing: programs hold their output back until there is much of it, unless told not to "
            + "(PYTHONUNBUFFERED=1, stdbuf -oL).";
}
