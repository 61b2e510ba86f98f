using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;

namespace Katib.Coordinator.Runners.Local;

/// <summary>The processes as ps shows them: for macOS, which has no /proc.</summary>
/// <remarks>
/// macOS hides the environment of its own protected programs (/bin/sh is one). Those are found by their process
/// group and their parents, and the supervisor by its command line.
/// </remarks>
internal sealed class PsProcessTable : IProcessTable
{
    public async ValueTask<ImmutableArray<ProcessEntry>> ListAsync(
        TrialMarker marker, CancellationToken cancellationToken)
    {
        var listing = await RunAsync(["-axww", "-E", "-o", "pid=,ppid=,pgid=,stat=,command="], cancellationToken);
        return Parse(listing, marker);
    }

    public async ValueTask<bool> AnyAsync(TrialMarker marker, CancellationToken cancellationToken) =>
        (await ListAsync(marker, cancellationToken)).Any(static process => process.Marked);

    public async ValueTask<bool> IsRunningAsync(int id, string argument, CancellationToken cancellationToken)
    {
        var pid = id.ToString(CultureInfo.InvariantCulture);
        return Bears(await RunAsync(["-ww", "-o", "command=", "-p", pid], cancellationToken), argument, below: false);
    }

    internal static ImmutableArray<ProcessEntry> Parse(string listing, TrialMarker marker)
    {
        var processes = ImmutableArray.CreateBuilder<ProcessEntry>();
        foreach (var line in listing.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var fields = line.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries);
            if (fields is [var id, var parent, var group, var state, var command] && !state.StartsWith('Z')
                && TryNumber(id, out var pid) && TryNumber(parent, out var ppid) && TryNumber(group, out var pgid))
            {
                processes.Add(new(pid, ppid, pgid, pgid, Bears(command, marker.Entry, marker.Below)));
            }
        }

        return processes.DrainToImmutable();
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>Whether <paramref name="text"/> stands in the command as a word or words of its own.</summary>
    private static bool Bears(string command, string text, bool below)
    {
        for (var at = command.IndexOf(text, StringComparison.Ordinal); at >= 0;
            at = command.IndexOf(text, at + 1, StringComparison.Ordinal))
        {
            var end = at + text.Length;
            if ((at is 0 || command[at - 1] is ' ')
                && (below || end == command.Length || char.IsWhiteSpace(command[end])))
            {
                return true;
            }
        }

        return false;
    }

    private static async Task<string> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using var ps = Process.Start(new ProcessStartInfo("/bin/ps", arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("Could not start /bin/ps.");
        var listing = await ps.StandardOutput.ReadToEndAsync(cancellationToken);
        await ps.WaitForExitAsync(cancellationToken);
        return listing;
    }
}
