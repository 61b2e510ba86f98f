using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners.Attempts;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>One attempt at a trial, as an object of a cluster and the pods that its operator makes of it.</summary>
/// <remarks>
/// It is looked at again and again and brought one step further, whoever has begun it: created, claimed, followed, its end
/// noted, deleted. The object bears the trial's name, so that whoever creates it twice collides. A claim without an object is
/// an attempt that somebody has deleted.
/// </remarks>
internal sealed class KubernetesAttempt(KubernetesSite site, TrialJob job) : IAttempt
{
    private readonly AttemptFolder _folder = AttemptFolder.Of(site.Options.Folder, job.Trial, job.Attempt);
    private readonly ConditionPath _success = ConditionPath.Parse(site.Options.Template.SuccessCondition);
    private readonly ConditionPath _failure = ConditionPath.Parse(site.Options.Template.FailureCondition);

    private CancellationToken _following;
    private volatile IPEndPoint? _endpoint;
    private volatile int _run;
    private PodView? _seen;
    private string? _followed;
    private Task _copying = Task.CompletedTask;
    private volatile Func<Task> _cutOff = static () => Task.CompletedTask;
    private (bool IsHopeless, long Since)? _waits;
    private long? _endedSince;

    public string OutputLog => _folder.OutputLog;

    public string MetricsPath { get; } =
        MetricsDirectory.PathIn(AttemptFolder.Of(site.Options.Folder, job.Trial, job.Attempt), job.Collector);

    public IPEndPoint? MetricsEndpoint => _endpoint;

    public int Run => _run;

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

        using var following = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _following = following.Token;
        try
        {
            if (_folder.ReadEnd() is not { } exit)
            {
                exit = await RunAsync(note, cancellationToken);
                _folder.WriteEnd(exit);
            }

            if (!job.IsKept)
            {
                await DeleteAsync(cancellationToken);
            }

            return exit;
        }
        finally
        {
            await following.CancelAsync();
            await _copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<TrialExit> RunAsync(TrialNote note, CancellationToken cancellationToken)
    {
        ClusterFeeds feeds;
        try
        {
            feeds = await site.FeedsAsync(cancellationToken);
        }
        catch (Exception refused) when (refused is ClusterRefusalException or KindMissingException)
        {
            return ExitMessage.NotStarted($"The trial could not be started: {refused.Message}");
        }

        var signal = site.SignalOf(job.Trial);
        while (true)
        {
            var found = feeds.RunObject(job.Trial) is { } known && IsOwn(known)
                ? known
                : await site.Api.CallAsync(token => FindAsync(feeds.Kind, token), cancellationToken);
            if (found is null && _folder.HasClaim())
            {
                return _folder.DeadlineHasPassed
                    ? ExitMessage.DeadlineExceeded(TimeLimit.Of(null, job.Timeout), OutputLog)
                    : Lost($"Its {feeds.Kind.Kind} was deleted.");
            }

            if (found is null)
            {
                if (await CreateAsync(feeds, note, cancellationToken) is { } refused)
                {
                    return refused;
                }
            }
            else if (await LookAsync(found, feeds, note, cancellationToken) is { } exit)
            {
                return exit;
            }

            await signal.WaitAsync(site.Options.LookEvery, site.Time, cancellationToken);
        }
    }

    private bool IsOwn(JsonObject found) =>
        site.Labels.Covers(found) && found.Label(TrialLabels.Attempt) == TrialLabels.NumberOf(job) && !found.IsGoing();

    private async Task<JsonObject?> FindAsync(ObjectKind kind, CancellationToken cancellationToken) =>
        await site.Api.FindAsync(kind.PathOf(site.Options.Namespace, job.Trial), cancellationToken) is { } found && IsOwn(found) ? found : null;

    /// <summary>Creates the run object; null when it is there, or is to be tried again.</summary>
    private async Task<TrialExit?> CreateAsync(ClusterFeeds feeds, TrialNote note, CancellationToken cancellationToken)
    {
        try
        {
            // Not cancelled halfway: whoever removes what there is of the trial is to find it.
            var made = await site.Api.CallAsync(
                _ => site.Api.CreateAsync(
                    feeds.Kind.PathIn(site.Options.Namespace),
                    PodTemplates.Prepare(job, site.Labels.Of(job), site.Options.MirrorImage, feeds.HasSidecars),
                    CancellationToken.None),
                cancellationToken);
            _folder.WriteClaim(made.Uid());
            return null;
        }
        catch (ClusterRefusalException taken) when (taken.Status is HttpStatusCode.Conflict && taken.Reason is "AlreadyExists")
        {
            return await MakeRoomAsync(feeds.Kind, note, cancellationToken);
        }
        catch (ClusterRefusalException full) when (full.Message.Contains("exceeded quota", StringComparison.Ordinal))
        {
            await note("QuotaExceeded", PodView.Sentence($"The {feeds.Kind.Kind} cannot be created; it is tried again and again", null, full.Message));
            return null;
        }
        catch (ClusterRefusalException refusal)
        {
            return ExitMessage.NotStarted(PodView.Sentence("The cluster refuses to run the trial", refusal.Reason, refusal.Message));
        }
    }

    /// <summary>Deals with another object of the trial's name.</summary>
    private async Task<TrialExit?> MakeRoomAsync(ObjectKind kind, TrialNote note, CancellationToken cancellationToken)
    {
        var path = kind.PathOf(site.Options.Namespace, job.Trial);
        var other = await site.Api.CallAsync(token => site.Api.FindAsync(path, token), cancellationToken);
        switch (other)
        {
            case null:
                return null;
            case var own when IsOwn(own):
                _folder.WriteClaim(own.Uid());
                return null;
            case var earlier when site.Labels.Covers(earlier):
                await note("Removing", $"The {kind.Kind} of an earlier attempt is being deleted.");
                await site.DeleteAsync(kind, earlier, cancellationToken);
                return null;
            default:
                return ExitMessage.NotStarted(
                    $"There is a {kind.Kind} '{job.Trial}' in the namespace '{site.Options.Namespace}' that is not of this experiment: "
                    + "delete it, or give the experiment another name.");
        }
    }

    /// <summary>Brings what there is one step further; the exit when it has ended.</summary>
    private async Task<TrialExit?> LookAsync(
        JsonObject runObject, ClusterFeeds feeds, TrialNote note, CancellationToken cancellationToken)
    {
        // Whoever was killed between creating and claiming has left it unclaimed.
        if (!_folder.HasClaim())
        {
            _folder.WriteClaim(runObject.Uid());
        }

        var pods = ViewsOf(feeds.Pods(job));
        var begun = pods.LastOrDefault(static pod => pod.Run is not null);
        _seen = begun ?? _seen;
        await FollowAsync(begun, note);
        if (_failure.Match(runObject) is { } failed)
        {
            return Failed(failed, await FinishAsync(begun, note, cancellationToken) ?? _seen, feeds.Kind);
        }

        if (_success.Match(runObject) is not null)
        {
            _ = await FinishAsync(begun, note, cancellationToken);
            return ExitMessage.Of(0, OutputLog);
        }

        if (IsOverdue(begun, out var limit))
        {
            _folder.MarkDeadline();
            await site.DeleteAsync(feeds.Kind, runObject, cancellationToken);
            return ExitMessage.DeadlineExceeded(limit, OutputLog);
        }

        if (EndedBesideOthers(begun) is { } code)
        {
            // What it had printed was copied meanwhile.
            return OfEnd(begun!, code);
        }

        return await NoteAsync(runObject, pods.LastOrDefault(), feeds, note);
    }

    private PodView[] ViewsOf(IEnumerable<JsonObject> pods) =>
    [
        .. pods
            .Where(pod => site.Options.Template.PrimaryPodLabels.All(label => pod.Label(label.Key) == label.Value))
            .Select(pod => PodView.Of(pod, job.PrimaryContainerName)),
    ];

    /// <summary>Copies what the newest run of the program prints; what earlier ones have printed is put aside.</summary>
    private async Task FollowAsync(PodView? begun, TrialNote note)
    {
        _endpoint = job.Collector.Page is { Port: var port } && begun?.RunningSince is not null
            && IPAddress.TryParse((string?)begun.Pod["status"]?["podIP"] ?? "", out var address)
                ? new(address, port)
                : null;
        if (begun?.Run is not { } run || run == _followed)
        {
            return;
        }

        await EndCopyAsync();
        if (_folder.ReadRun() is { } earlier && earlier != run)
        {
            _folder.PutLogAside();
        }

        _folder.WriteRun(run);
        if (_folder.HasEarlierRun())
        {
            _run++;
            await note(TrialReasons.Running, "The cluster has started the program again; what it reported before does not count.");
        }

        _followed = run;
        _copying = FollowLogAsync(begun);
    }

    private async Task FollowLogAsync(PodView pod)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_following);
        _cutOff = end.CancelAsync;
        try
        {
            await CopyAsync(pod, follow: true, end.Token);
        }
        finally
        {
            _cutOff = static () => Task.CompletedTask;
        }
    }

    /// <summary>Lets a copy come to its end, which a node that is lost would never tell.</summary>
    private async Task EndCopyAsync()
    {
        await _copying.WaitAsync(site.Options.OthersGrace, site.Time, _following).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await _cutOff();
        }
        catch (ObjectDisposedException)
        {
            // It has just come to its end by itself.
        }

        await _copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _following.ThrowIfCancellationRequested();
    }

    private Task CopyAsync(PodView pod, bool follow, CancellationToken cancellationToken)
    {
        var log = new LogFile(_folder);
        return Task.WhenAll(
            ReadAsync(pod, job.PrimaryContainerName, log.Last, log.TakeAsync, follow, cancellationToken),
            job.Collector.HasFiles
                ? ReadAsync(pod, MetricsMirror.Container, LogPlace.Beginning, MirrorAsync, follow, cancellationToken)
                : Task.CompletedTask);
    }

    private ValueTask MirrorAsync(ReadOnlyMemory<byte> lines, LogPlace last, CancellationToken cancellationToken)
    {
        foreach (var line in Encoding.UTF8.GetString(lines.Span).Split('\n'))
        {
            MetricsMirror.Take(line, _folder.Metrics);
        }

        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync(
        PodView pod, string container, LogPlace last, TakeLines take, bool follow, CancellationToken cancellationToken)
    {
        var path = $"{ObjectKind.Pod.PathOf(site.Options.Namespace, pod.Pod.Name())}/log?container={container}&timestamps=true";
        var log = new PodLog((query, token) => site.Api.OpenAsync($"{path}{query}", token), last, take);
        while (true)
        {
            try
            {
                await log.ReadAsync(follow, cancellationToken);
                return;
            }
            catch (Exception failure) when (ClusterApi.IsAway(failure, cancellationToken))
            {
                await site.Api.WaitAsync(failure, cancellationToken);
            }
            catch (ClusterRefusalException)
            {
                // The pod is gone, or its log.
                return;
            }
        }
    }

    /// <summary>Whether the program has run for longer than it may.</summary>
    private bool IsOverdue(PodView? begun, out TimeLimit? limit)
    {
        limit = TimeLimit.Of(null, job.Timeout);
        return _folder.DeadlineHasPassed
            || (limit is { Span: var span } && begun?.RunningSince is { } since && site.Time.GetUtcNow() - since > span);
    }

    /// <summary>How the primary container has ended while others of its pod run on, and nothing will start it again.</summary>
    private int? EndedBesideOthers(PodView? begun)
    {
        if (begun is not { Ended: { } ended, IsOver: false } || ((int?)ended["exitCode"] is not 0 && begun.StartsAgain))
        {
            _endedSince = null;
            return null;
        }

        _endedSince ??= site.Time.GetTimestamp();
        return site.Time.GetElapsedTime(_endedSince.Value) < site.Options.OthersGrace ? null : (int?)ended["exitCode"];
    }

    /// <summary>Takes what is left to take of the program's log; returns the newest run as it is at the end.</summary>
    private async Task<PodView?> FinishAsync(PodView? begun, TrialNote note, CancellationToken cancellationToken)
    {
        // The object's end may be heard of sooner than the pod's.
        var pods = ViewsOf(await site.PodsAsync(job, cancellationToken));
        begun = pods.LastOrDefault(static pod => pod.Run is not null) ?? begun;
        await FollowAsync(begun, note);
        if (begun is not null)
        {
            // What is followed may end a little sooner than the log itself.
            await EndCopyAsync();
            await CopyAsync(begun, follow: false, cancellationToken);
        }

        return begun;
    }

    private TrialExit Failed(JsonObject condition, PodView? last, ObjectKind kind)
    {
        var said = PodView.Sentence($"The {kind.Kind} has failed", (string?)condition["reason"], (string?)condition["message"]);
        return (string?)condition["reason"] is "DeadlineExceeded" ? ExitMessage.DeadlineExceeded(null, OutputLog)
            : last?.TakenAway is { } taken ? Lost(taken)
            : (int?)last?.LastEnded?["exitCode"] is { } code and not 0 ? OfEnd(last, code)
            : new(TrialExitKind.Exited, null, $"{said}{ExitMessage.LastWords(OutputLog)}");
    }

    private TrialExit OfEnd(PodView pod, int code) => (string?)pod.LastEnded?["reason"] is "OOMKilled"
        ? ExitMessage.OutOfMemory(code, MemoryOf(pod), OutputLog)
        : ExitMessage.Of(code, OutputLog);

    private TrialExit Lost(string why) => new(TrialExitKind.Lost, null, $"{why}{ExitMessage.LastWords(OutputLog)}");

    private string MemoryOf(PodView pod) =>
        (string?)(pod.Pod["spec"]?["containers"]).With("name", job.PrimaryContainerName)?["resources"]?["limits"]?["memory"] ?? "";

    /// <summary>Says what the trial waits for; the exit when that is in vain.</summary>
    private async Task<TrialExit?> NoteAsync(JsonObject runObject, PodView? newest, ClusterFeeds feeds, TrialNote note)
    {
        if (Waiting.Of(runObject, newest, feeds) is not { } waiting)
        {
            if (_waits is not null)
            {
                _waits = null;
                await note(TrialReasons.Running, TrialReasons.RunningMessage);
            }

            return null;
        }

        // Several reasons take turns where an image cannot be had.
        if (_waits is not { } waits || waits.IsHopeless != waiting.IsHopeless)
        {
            _waits = waits = (waiting.IsHopeless, site.Time.GetTimestamp());
        }

        var waited = site.Time.GetElapsedTime(waits.Since);
        if (waiting.IsFinal || (waiting.IsHopeless && waited > site.Options.StartGrace))
        {
            return ExitMessage.NotStarted(waiting.IsFinal
                ? waiting.Message
                : $"{waiting.Message} It was waited for {DurationText.Of(site.Options.StartGrace)}.");
        }

        await note(waiting.Reason, waiting.Message);
        return null;
    }

    private async Task DeleteAsync(CancellationToken cancellationToken)
    {
        try
        {
            var kind = await site.KindAsync(cancellationToken);
            if (await site.Api.CallAsync(token => FindAsync(kind, token), cancellationToken) is { } left)
            {
                await site.DeleteAsync(kind, left, cancellationToken);
            }
        }
        catch (Exception refused) when (refused is ClusterRefusalException or KindMissingException)
        {
            // The trial has ended all the same, and the sweep tries again.
        }
    }
}
