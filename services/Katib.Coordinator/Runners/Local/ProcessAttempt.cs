using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Local;

/// <summary>One attempt at a trial, as processes of this machine.</summary>
/// <remarks>
/// All that is known of the attempt is in its folder, so starting and adopting are one path: whoever finds no claim
/// starts a supervisor, and whatever became of that one, the claim and the exit file then say how the trial is.
/// </remarks>
internal sealed class ProcessAttempt(LocalSite site, TrialJob job) : IAttempt
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LookSoon = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly AttemptFolder _folder = AttemptFolder.Of(site.Options.Folder, job.Trial, job.Attempt);
    private TimeLimit? _limit;
    private int? _port;
    private volatile IPEndPoint? _endpoint;

    public IPEndPoint? MetricsEndpoint => _endpoint;

    public string MetricsPath { get; } = MetricsDirectory.PathIn(
        AttemptFolder.Of(site.Options.Folder, job.Trial, job.Attempt), job.Collector);

    public string OutputLog => _folder.OutputLog;

    public async Task<TrialExit> EndAsync(TrialNote note, CancellationToken cancellationToken)
    {
        try
        {
            var exit = await StartOrAdoptAsync(note, cancellationToken);
            site.Gpus.Release(job.Trial);
            return exit;
        }
        finally
        {
            _endpoint = null;
            site.Ports.Release(_port);
        }
    }

    private async Task<TrialExit> StartOrAdoptAsync(TrialNote note, CancellationToken cancellationToken)
    {
        if (Problems().FirstOrDefault() is { } problem)
        {
            return ExitMessage.NotStarted($"{problem.Field}: {problem.Message}");
        }

        try
        {
            _port = job.Collector.Page is null ? null : PortOfItsOwn();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SocketException)
        {
            return ExitMessage.NotStarted($"The trial could not be started: {failure.Message}");
        }

        var local = LocalJob.Translate(
            job.RunObject, job.PrimaryContainerName, job.Collector, job.Trial, _folder.Metrics, _port);
        local = local with { Environment = local.Environment.AddRange(job.Environment) };
        _limit = TimeLimit.Of(local.Deadline, job.Timeout);
        await site.SurveyAsync(cancellationToken);
        return _folder.ReadClaim() is null && await RunAsync(local, note, cancellationToken) is { } notStarted
            ? ExitMessage.NotStarted(notStarted)
            : await AdoptAsync(cancellationToken);
    }

    /// <summary>The port of its metrics page: the attempt's since it was begun, or one that is free now.</summary>
    private int PortOfItsOwn()
    {
        if (_folder.ReadPort() is { } known)
        {
            site.Ports.Reserve(known);
            return known;
        }

        var free = site.Ports.Take();
        _folder.Create();
        _folder.WritePort(free);
        return free;
    }

    /// <summary>Not sooner: until the attempt runs, and after it, the port may be somebody else's.</summary>
    private void OpenMetrics() => _endpoint ??= _port is { } port ? new(IPAddress.Loopback, port) : null;

    private IEnumerable<Problem> Problems()
    {
        var problems = LocalJob.Check(job.RunObject, job.PrimaryContainerName, job.Collector).Problems;
        return problems.IsEmpty
            ? LocalMachine.FolderProblems(
                LocalRules.Read(job.RunObject, job.PrimaryContainerName), job.Collector, _folder.Path)
            : problems;
    }

    /// <summary>Starts a supervisor and waits for its end; says why when nothing was started.</summary>
    private async Task<string?> RunAsync(LocalJob local, TrialNote note, CancellationToken cancellationToken)
    {
        if (site.Gpus.Exist)
        {
            var device = await site.Gpus.AcquireAsync(job.Trial, note, cancellationToken);
            await note(TrialReasons.Running, TrialReasons.RunningMessage);
            local = local with { Environment = local.Environment.Add(new("CUDA_VISIBLE_DEVICES", device)) };
        }

        if (LocalProgram.Find(local, site.Options.WorkingDirectory, out var problem) is not { } program)
        {
            return problem;
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (TryStart(program, local, out problem) is not { } supervisor)
        {
            return problem;
        }

        OpenMetrics();
        using (supervisor)
        {
            await WaitForAsync(supervisor, cancellationToken);
        }

        return _folder.ReadClaim() is null && _folder.Exists && !_folder.DeadlineHasPassed
            ? $"The trial's supervisor could not take over its folder '{_folder.Path}'; "
                + "see that the disk has room and that the folder can be written to."
            : null;
    }

    private Process? TryStart(LocalProgram program, LocalJob local, out string problem)
    {
        try
        {
            _folder.Create();
            if (site.Gpus.Exist)
            {
                _folder.WriteGpu(local.Environment[^1].Value);
            }

            problem = "";
            return site.Launcher.Start(_folder, program);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or Win32Exception)
        {
            problem = $"The trial could not be started: {failure.Message}";
            return null;
        }
    }

    private async Task WaitForAsync(Process supervisor, CancellationToken cancellationToken)
    {
        var begun = site.Time.GetTimestamp();
        var exited = supervisor.WaitForExitAsync(cancellationToken);
        while (_limit is { Span: var limit } && !exited.IsCompleted)
        {
            var left = limit - site.Time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero)
            {
                await ExceedDeadlineAsync(cancellationToken);
                break;
            }

            await exited.WaitAsync(Shorter(left, LongestWait), site.Time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        await exited;
    }

    /// <summary>Waits for the end of whatever has the claim, and tidies up after it.</summary>
    private async Task<TrialExit> AdoptAsync(CancellationToken cancellationToken)
    {
        var adopted = (site.Time.GetTimestamp(), site.Time.GetUtcNow());
        while (await WaitBeforeNextLookAsync(adopted, cancellationToken) is { } wait)
        {
            await Task.Delay(wait, site.Time, cancellationToken);
        }

        // A container's end takes everything in it along, at once.
        await site.Tree.EndAsync(_folder, TimeSpan.Zero, cancellationToken);
        return (_folder.DeadlineHasPassed, _folder.ReadExit()) switch
        {
            (true, _) => ExitMessage.DeadlineExceeded(_limit, _folder.OutputLog),
            (_, { } code) => ExitMessage.Of(code, _folder.OutputLog),
            _ when !_folder.Exists => ExitMessage.FolderRemoved(_folder.Path),
            _ => ExitMessage.Lost(_folder.OutputLog),
        };
    }

    /// <summary>Null when the attempt has ended.</summary>
    private async Task<TimeSpan?> WaitBeforeNextLookAsync(
        (long Timestamp, DateTimeOffset At) adopted, CancellationToken cancellationToken)
    {
        switch (_folder.ReadClaim())
        {
            case Claim.Unsigned:
                // Its supervisor is about to sign, unless it was killed at this very point: then nobody has the marker.
                var lives = await site.Table.AnyAsync(new(_folder.Path), cancellationToken);
                return lives || _folder.ReadClaim() is not Claim.Unsigned ? LookSoon : null;

            case Claim.Signed(var supervisor, var started):
                if (_folder.ReadExit() is not null
                    || !await site.Table.IsRunningAsync(supervisor, _folder.Path, cancellationToken))
                {
                    return null;
                }

                OpenMetrics();

                // The clock on the wall tells what was before the trial was adopted, and may jump afterwards.
                var before = adopted.At > started ? adopted.At - started : TimeSpan.Zero;
                var left = _limit?.Span - before - site.Time.GetElapsedTime(adopted.Timestamp);
                if (_folder.DeadlineHasPassed || left <= TimeSpan.Zero)
                {
                    await ExceedDeadlineAsync(cancellationToken);
                    return null;
                }

                return Shorter(left ?? LookEvery, LookEvery);

            default:
                return null;
        }
    }

    private async Task ExceedDeadlineAsync(CancellationToken cancellationToken)
    {
        _folder.MarkDeadline();
        await site.Tree.EndAsync(_folder, site.Options.Grace, cancellationToken);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
