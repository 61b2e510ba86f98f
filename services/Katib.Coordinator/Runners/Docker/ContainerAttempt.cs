using System.Globalization;
using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics.Events;
using Katib.Coordinator.Runners.Attempts;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>One attempt at a trial, as a container.</summary>
/// <remarks>
/// It is looked at again and again and brought one step further, whoever has begun it: created, claimed, started,
/// followed, its end noted, removed. Every step may be repeated, and between any two the coordinator may be killed:
/// a claim without a container is an attempt that somebody has removed, and an end without one is an attempt that is
/// done. While one coordinator is at it, its lock keeps another from starting what has just ended.
/// </remarks>
internal sealed class ContainerAttempt(DockerSite site, TrialJob job) : IAttempt
{
    /// <summary>What Docker reports for a container that it finds dead when it starts itself.</summary>
    private const int FoundDead = 255;

    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly AttemptFolder _folder = AttemptFolder.Of(site.Options.Folder, job.Trial, job.Attempt);
    private readonly string _name = site.Labels.NameOf(job);
    private readonly string _collector = $"{site.Labels.NameOf(job)}.collector";
    private volatile IPEndPoint? _endpoint;
    private bool _isFollowed;
    private bool _wasCutOff;

    public IPEndPoint? MetricsEndpoint => _endpoint;

    public string MetricsPath { get; } =
        MetricsDirectory.PathIn(AttemptFolder.Of(site.Options.Folder, job.Trial, job.Attempt), job.Collector);

    public string OutputLog => _folder.OutputLog;

    public async Task<TrialExit> EndAsync(TrialNote note, CancellationToken cancellationToken)
    {
        try
        {
            _folder.Create();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return ExitMessage.NotStarted($"The trial could not be started: {failure.Message}");
        }

        using var held = await HoldAsync(cancellationToken);
        if (_folder.ReadEnd() is not { } exit)
        {
            exit = await RunAsync(note, cancellationToken);
            _folder.WriteEnd(exit);
        }

        if (!job.IsKept)
        {
            _ = await site.Docker.CallAsync(RemoveAsync, cancellationToken);
        }

        site.Gpus.Release(job.Trial);
        return exit;
    }

    private async Task<bool> RemoveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ContainerRemoval.RemoveAsync(
                site.Docker.Client, site.Labels.Of(job), sparesKept: false, TimeSpan.Zero, cancellationToken);
            return true;
        }
        catch (DockerApiException refusal)
        {
            // The trial has ended all the same, and the sweep tries again.
            site.Progress.Report($"Docker does not remove the container {_name}: {DaemonWords.Of(refusal)}.");
            return false;
        }
    }

    private async Task<ExperimentLock> HoldAsync(CancellationToken cancellationToken)
    {
        var held = ExperimentLock.TryTake(_folder.Path);
        while (held is null)
        {
            await Task.Delay(LockPause, site.Time, cancellationToken);
            held = ExperimentLock.TryTake(_folder.Path);
        }

        return held;
    }

    private async Task<TrialExit> RunAsync(TrialNote note, CancellationToken cancellationToken)
    {
        var container = ContainerReader.Read(job.RunObject, job.PrimaryContainerName);
        if (ContainerPlan.Problems(container, job.Collector) is [var problem, ..])
        {
            return ExitMessage.NotStarted($"{problem.Field}: {problem.Message}");
        }

        var plan = ContainerPlan.Of(container, job);
        var collector = CollectorContainer.Of(container, job.Collector) is { } own ? ContainerPlan.Of(own, job) : null;
        await site.SurveyAsync(cancellationToken);
        try
        {
            while (true)
            {
                var found = await InspectAsync(cancellationToken);
                switch (found?.State?.Status)
                {
                    case null when _folder.HasClaim():
                        return ExitMessage.Lost(_folder.OutputLog);
                    case null:
                        await CreateAsync(plan, collector, note, cancellationToken);
                        break;
                    case "created":
                        await StartAsync(found!.ID, cancellationToken);
                        break;
                    case "exited" or "dead":
                        return await FinishAsync(plan, found!.ID, found.State!, cancellationToken);
                    case "removing":
                        await Task.Delay(LockPause, site.Time, cancellationToken);
                        break;
                    default:
                        _endpoint = EndpointOf(found!);
                        await FollowAsync(plan, found!.ID, found.State!, cancellationToken);
                        _endpoint = null;
                        break;
                }
            }
        }
        catch (ImageProblemException missing)
        {
            return ExitMessage.NotStarted(missing.Message);
        }
        catch (DockerApiException gone) when (gone.StatusCode is HttpStatusCode.NotFound && _folder.HasClaim())
        {
            return await InspectAsync(cancellationToken) is null
                ? ExitMessage.Lost(_folder.OutputLog)
                : ExitMessage.NotStarted(Refusal(gone));
        }
        catch (DockerApiException refusal)
        {
            return ExitMessage.NotStarted(Refusal(refusal));
        }
    }

    private static string Refusal(DockerApiException refusal) =>
        $"Docker refuses to run the trial: {DaemonWords.Of(refusal)}.";

    /// <summary>The container's own address: no port is published for it.</summary>
    private IPEndPoint? EndpointOf(ContainerInspectResponse container) =>
        job.Collector.Page is { Port: var port }
            ? container.NetworkSettings?.Networks?.Values
                .SelectMany(static network => (string?[])[network.IPAddress, network.GlobalIPv6Address])
                .Select(text => IPAddress.TryParse(text, out var address) ? new IPEndPoint(address, port) : null)
                .FirstOrDefault(static endpoint => endpoint is not null)
            : null;

    private Task<ContainerInspectResponse?> InspectAsync(CancellationToken cancellationToken) => site.Docker.CallAsync(
        async token =>
        {
            try
            {
                return await site.Docker.Client.Containers.InspectContainerAsync(_name, token);
            }
            catch (DockerApiException missing) when (missing.StatusCode is HttpStatusCode.NotFound)
            {
                return null;
            }
        },
        cancellationToken);

    private async Task CreateAsync(
        ContainerPlan plan, ContainerPlan? collector, TrialNote note, CancellationToken cancellationToken)
    {
        if (collector is not null)
        {
            _ = await site.Images.PrepareAsync(collector.Template, note, cancellationToken);
        }

        var image = await site.Images.PrepareAsync(plan.Template, note, cancellationToken);
        var device = site.Gpus.Exist ? await site.Gpus.AcquireAsync(job.Trial, note, cancellationToken) : null;
        await note(TrialReasons.Running, TrialReasons.RunningMessage);
        var labels = site.Labels.Of(job, device);
        cancellationToken.ThrowIfCancellationRequested();

        // Not cancelled halfway: whoever removes what there is of the trial is to find it.
        _ = await site.Docker.CallAsync(
            async _ =>
            {
                await ContainerVolumes.CreateAsync(
                    site.Docker.Client,
                    image,
                    _name,
                    [.. plan.VolumesOf(_name).Union(collector?.VolumesOf(_name) ?? [])],
                    site.Labels.Of(job),
                    CancellationToken.None);
                await CreateCollectorAsync(collector);
                return await CreateAsync(plan.ToParameters(_name, labels, device));
            },
            cancellationToken);
    }

    private async Task CreateCollectorAsync(ContainerPlan? collector)
    {
        if (collector is not null)
        {
            // Its volumes are the trial's, by their names.
            var parameters = collector.ToParameters(_name, site.Labels.Of(job), device: null);
            parameters.Name = _collector;
            _ = await CreateAsync(parameters);
        }
    }

    private async Task<bool> CreateAsync(CreateContainerParameters parameters)
    {
        try
        {
            _ = await site.Docker.Client.Containers.CreateContainerAsync(parameters, CancellationToken.None);
            return true;
        }
        catch (DockerApiException taken) when (taken.StatusCode is HttpStatusCode.Conflict)
        {
            // It is there already: a call before this one has got through.
            return false;
        }
    }

    private async Task StartAsync(string container, CancellationToken cancellationToken)
    {
        _folder.WriteClaim(container);
        try
        {
            // First: the trial may end at once.
            if (job.Collector.Container is not null)
            {
                _ = await site.Docker.Client.Containers.StartContainerAsync(_collector, new(), CancellationToken.None);
            }

            _ = await site.Docker.Client.Containers.StartContainerAsync(container, new(), CancellationToken.None);
        }
        catch (Exception failure) when (DockerConnection.IsAway(failure, cancellationToken))
        {
            // Whether it was started is what the next look says.
            await site.Docker.WaitAsync(failure, cancellationToken);
        }
    }

    /// <summary>Copies what it writes until it has ended or Docker is gone.</summary>
    private async Task FollowAsync(
        ContainerPlan plan, string container, State state, CancellationToken cancellationToken)
    {
        _isFollowed = true;
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var log = new ContainerLog(site.Docker.Client, container, _folder.OutputLog);
        var copying = Task.WhenAll(
            AgainAsync(token => log.CopyAsync(follow: true, token), done.Token),
            plan.MetricsPath is { } source ? AgainAsync(CopyOf(source, container), done.Token) : Task.CompletedTask);
        try
        {
            await WaitAsync(plan, container, state, cancellationToken);
        }
        catch (DockerApiException gone) when (gone.StatusCode is HttpStatusCode.NotFound)
        {
            // Removed meanwhile; the next look says so.
        }
        catch (Exception failure) when (DockerConnection.IsAway(failure, cancellationToken))
        {
            _wasCutOff = true;
            await site.Docker.WaitAsync(failure, cancellationToken);
        }
        finally
        {
            await done.CancelAsync();
            await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WaitAsync(
        ContainerPlan plan, string container, State state, CancellationToken cancellationToken)
    {
        var left = DateTimeOffset.Parse(state.StartedAt, CultureInfo.InvariantCulture) + LimitOf(plan)?.Span
            - site.Time.GetUtcNow();
        left = _folder.DeadlineHasPassed || left < TimeSpan.Zero ? TimeSpan.Zero : left;

        // The clock on the wall may have been put back.
        left = left > LimitOf(plan)?.Span ? LimitOf(plan)?.Span : left;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(left < LongestWait ? left.Value : LongestWait);
        Task waiting = site.Docker.Client.Containers.WaitContainerAsync(container, patience.Token);
        await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!patience.IsCancellationRequested || cancellationToken.IsCancellationRequested)
        {
            await waiting;
            return;
        }

        if (left is null || left >= LongestWait)
        {
            return;
        }

        _folder.MarkDeadline();
        _ = await site.Docker.Client.Containers.StopContainerAsync(
            container, new() { WaitBeforeKillSeconds = (uint)site.Options.Grace.TotalSeconds }, cancellationToken);
    }

    /// <summary>Copies time and again: what fails once, or breaks off, is gone on with.</summary>
    private async Task AgainAsync(Func<CancellationToken, Task> copy, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(site.Options.CopyEvery, site.Time);
        do
        {
            try
            {
                await copy(cancellationToken);
            }
            catch (Exception failure) when (
                failure is DockerApiException || DockerConnection.IsAway(failure, cancellationToken))
            {
                // The wait for the container's end sees the same, and what is missing is copied after it.
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>What copies the metrics out of the container.</summary>
    private Func<CancellationToken, Task> CopyOf(string source, string container) =>
        job.Collector.Kind is CollectorKind.TensorFlowEvent
            ? new ContainerFolder(
                site.Docker.Client, container, source, MetricsPath, EventFolder.NamePart, site.Time).CopyAsync
            : new ContainerFile(site.Docker.Client, container, source, MetricsPath).CopyAsync;

    /// <summary>Takes what is left to take from a container that has ended.</summary>
    private async Task<TrialExit> FinishAsync(
        ContainerPlan plan, string container, State state, CancellationToken cancellationToken)
    {
        _ = await site.Docker.CallAsync(
            async token =>
            {
                // What is followed may end a little sooner than the log itself.
                await new ContainerLog(site.Docker.Client, container, _folder.OutputLog).CopyAsync(follow: false, token);
                if (plan.MetricsPath is { } source)
                {
                    await CopyOf(source, container)(token);
                }

                if (job.Collector.Container is not null)
                {
                    await EndCollectorAsync(token);
                }

                return true;
            },
            cancellationToken);
        var code = (int)state.ExitCode;
        return state switch
        {
            _ when _folder.DeadlineHasPassed =>
                ExitMessage.DeadlineExceeded(LimitOf(plan), _folder.OutputLog),
            { OOMKilled: true } when code is not 0 =>
                ExitMessage.OutOfMemory(code, plan.Template.Limits.MemoryText, _folder.OutputLog),
            _ when WasTakenByDocker(code) => ExitMessage.Lost(_folder.OutputLog),
            _ => ExitMessage.Of(code, _folder.OutputLog),
        };
    }

    /// <summary>Tells the collector that the trial has ended, by SIGTERM, and gives it some time to report the rest.</summary>
    private async Task EndCollectorAsync(CancellationToken cancellationToken)
    {
        try
        {
            _ = await site.Docker.Client.Containers.StopContainerAsync(
                _collector, new() { WaitBeforeKillSeconds = (uint)site.Options.CollectorGrace.TotalSeconds }, cancellationToken);
            var ended = await site.Docker.Client.Containers.InspectContainerAsync(_collector, cancellationToken);
            await new ContainerLog(site.Docker.Client, _collector, _folder.CollectorLog)
                .CopyAsync(follow: false, cancellationToken);
            _folder.Write(
                Path.GetFileName(_folder.CollectorEnd),
                ExitMessage.OfCollector((int)(ended.State?.ExitCode ?? 0), _folder.CollectorLog));
        }
        catch (DockerApiException gone) when (gone.StatusCode is HttpStatusCode.NotFound)
        {
            // Somebody has removed it; the trial has ended all the same.
        }
    }

    private TimeLimit? LimitOf(ContainerPlan plan) => TimeLimit.Of(plan.Template.Program.Deadline, job.Timeout);

    /// <summary>Docker's own end, and that of the machine, takes containers along.</summary>
    private bool WasTakenByDocker(int code)
    {
        const int killed = 137;
        const int terminated = 143;
        return (code is FoundDead && !_isFollowed) || (_wasCutOff && code is (FoundDead or killed or terminated));
    }
}
