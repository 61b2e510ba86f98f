using System.Globalization;

namespace Katib.Coordinator.Runners;

/// <summary>Calls to something that may be away for a while, told once each time that it is.</summary>
/// <param name="name">What is called, as users know it.</param>
/// <param name="isAway">Whether a call has failed on the way, and not by an answer or our own will.</param>
/// <param name="progress">Hears of it.</param>
/// <param name="time">The clock.</param>
internal sealed class Patience(
    string name, Func<Exception, CancellationToken, bool> isAway, IProgress<string> progress, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private string? _trouble;

    /// <summary>What calls wait for, as a sentence; null while there are answers. May be read from any thread.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Calls until there is an answer, whatever it is; so the call must be one that may be repeated.</summary>
    public async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var answer = await call(cancellationToken);
                Forget();
                return answer;
            }
            catch (Exception failure) when (isAway(failure, cancellationToken))
            {
                await WaitAsync(failure, cancellationToken);
            }
        }
    }

    /// <summary>There was an answer.</summary>
    public void Forget() => Volatile.Write(ref _trouble, null);

    /// <summary>Waits a moment before it is asked again; says so the first time.</summary>
    public Task WaitAsync(Exception failure, CancellationToken cancellationToken)
    {
        var trouble = string.Create(
            CultureInfo.InvariantCulture,
            $"{name} does not answer since {time.GetUtcNow():u} ({Reason(failure)}); it is asked again and again.");
        if (Interlocked.CompareExchange(ref _trouble, trouble, null) is null)
        {
            progress.Report(trouble);
        }

        return Task.Delay(Pause, time, cancellationToken);
    }

    /// <summary>What is at the bottom of a failure, to stand in a sentence.</summary>
    public static string Reason(Exception failure) => failure.GetBaseException().Message.TrimEnd('.');
}
