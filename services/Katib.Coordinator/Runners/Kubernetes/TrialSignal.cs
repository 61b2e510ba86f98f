namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>Wakes the one who waits for news of a trial; news that nobody waits for are kept as one.</summary>
internal sealed class TrialSignal
{
    private volatile TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>There are news.</summary>
    public void Set() => _ = _news.TrySetResult();

    /// <summary>Returns when there are news since the last time, or after a while.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        var news = _news.Task;
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ = await Task.WhenAny(news, Task.Delay(atMost, time, late.Token));
        await late.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        if (news.IsCompleted)
        {
            _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
