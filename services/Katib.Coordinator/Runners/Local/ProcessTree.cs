using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Local;

/// <summary>Ends a trial with all its processes, those in sessions of their own included.</summary>
internal sealed class ProcessTree(IProcessTable table, TimeProvider time)
{
    private const int SigKill = 9;
    private const int SigTerm = 15;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Ends what is left of one attempt; returns when nothing is.</summary>
    /// <remarks>
    /// The supervisor goes first and at once, so that it cannot record a death by our own signal as the trial's
    /// own end: after that the exit file exists if and only if the program ended by itself.
    /// </remarks>
    public async Task EndAsync(AttemptFolder folder, TimeSpan grace, CancellationToken cancellationToken)
    {
        var marker = new TrialMarker(folder.Path);
        var supervisor = (folder.ReadClaim() as Claim.Signed)?.Supervisor;
        if (supervisor is { } id && await table.IsRunningAsync(id, folder.Path, cancellationToken))
        {
            _ = Signal(id, SigKill);
            await EndAsync(marker, supervisor, [id], grace, cancellationToken);
        }
        else if (await table.AnyAsync(marker, cancellationToken))
        {
            await EndAsync(marker, supervisor, [], grace, cancellationToken);
        }
    }

    /// <summary>Ends everything that bears the marker, and what descends from it.</summary>
    public Task EndAsync(TrialMarker marker, TimeSpan grace, CancellationToken cancellationToken) =>
        EndAsync(marker, supervisor: null, [], grace, cancellationToken);

    private async Task EndAsync(
        TrialMarker marker, int? supervisor, HashSet<int> sessions, TimeSpan grace, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var asked = new HashSet<int>();
        var refused = new HashSet<int>();
        while (true)
        {
            var processes = await table.ListAsync(marker, cancellationToken);
            sessions.UnionWith(Sessions(processes, supervisor));
            var members = Members(processes, sessions);
            members.ExceptWith(refused);
            if (members.Count is 0)
            {
                return;
            }

            var patient = time.GetElapsedTime(begun) < grace;
            foreach (var id in members)
            {
                // Another user's process (a trial may call sudo) cannot be ended by us: waiting for it has no end.
                if ((!patient || asked.Add(id)) && !Signal(id, patient ? SigTerm : SigKill))
                {
                    _ = refused.Add(id);
                }
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>The sessions that are the trial's own.</summary>
    /// <remarks>
    /// Not every session with a marked process in it: a supervisor that was only just started is still in the
    /// session of its coordinator, which may be the user's shell.
    /// </remarks>
    private static IEnumerable<int> Sessions(ImmutableArray<ProcessEntry> processes, int? supervisor) =>
        from process in processes
        where process.Marked && (process.Session == process.Id || process.Session == supervisor)
        select process.Session;

    /// <summary>What is marked, what is in the trial's sessions, and all that descends from these.</summary>
    private static HashSet<int> Members(ImmutableArray<ProcessEntry> processes, HashSet<int> sessions)
    {
        var members = processes.Where(p => p.Marked || sessions.Contains(p.Session)).Select(p => p.Id).ToHashSet();
        int before;
        do
        {
            before = members.Count;
            members.UnionWith(processes.Where(p => members.Contains(p.Parent)).Select(static p => p.Id));
        }
        while (members.Count > before);

        return members;
    }

    /// <summary>False when the process may not be signalled; true also when it is gone.</summary>
    private static bool Signal(int process, int signal)
    {
        const int notPermitted = 1;
        return Kill(process, signal) is 0 || Marshal.GetLastPInvokeError() is not notPermitted;
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
