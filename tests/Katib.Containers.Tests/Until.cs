using Xunit.Sdk;

namespace Katib.Containers.Tests;

/// <summary>Waits for things that happen elsewhere.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);

    public static async Task HoldsAsync(string what, Func<Task<bool>> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (!await holds())
        {
            try
            {
                await Task.Delay(Period, patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new XunitException($"Waited {Patience.TotalMinutes} min in vain until {what}.");
            }
        }
    }
}
