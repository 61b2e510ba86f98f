using System.Diagnostics;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>What keeps an experiment is named within a minute.</summary>
internal static class Promise
{
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Looks until it is named; the look that finds it must have begun in time, however long it takes by itself.</summary>
    public static async Task KeptAsync(string what, Func<Task<bool>> isNamed)
    {
        var begun = Stopwatch.GetTimestamp();
        var asked = TimeSpan.Zero;
        await Workplace.UntilAsync(what, () =>
        {
            asked = Stopwatch.GetElapsedTime(begun);
            return isNamed();
        });
        Assert.InRange(asked, TimeSpan.Zero, Limit);
    }
}
