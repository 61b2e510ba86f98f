using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Pushing;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Katib.Coordinator.Telling;

namespace Katib.Coordinator;

/// <summary>Brings one experiment to its end: asks <see cref="ExperimentMachine"/> what to do, does it, waits for events.</summary>
/// <remarks>
/// What is wanted is saved before it is done, and every action may be repeated, so that a process which is killed at any
/// moment is continued by the next one. <c>progress</c> hears of every step in a sentence. Only one loop may work on an experiment at a time; see <see cref="ExperimentLock"/>.
/// </remarks>
public sealed class ExperimentLoop(
    ExperimentSpec spec,
    StoredExperiment stored,
    ExperimentStore store,
    SuggestionClient suggestions,
    ITrialRunner runner,
    IProgress<ExperimentStep> progress,
    TimeProvider time) : IPushTarget
{
    /// <summary>So many failed calls in a row, each of them retried, are not waited out when nothing runs.</summary>
    private const int MaxFailedCalls = 3;

    /// <summary>So many events are taken in before the next decision, however many there are.</summary>
    private const int MaxEvents = 1000;

    /// <summary>So many pushed values are saved at once.</summary>
    private const int MaxPushed = 2000;

    /// <summary>So many names are remembered of a trial that pushes others than were asked for.</summary>
    private const int MaxStrangers = 10;

    private static readonly TimeSpan CallPause = TimeSpan.FromSeconds(1);

    /// <summary>A service that has not answered for so long is spoken of.</summary>
    private static readonly TimeSpan QuietCall = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(10);

    /// <summary>What users want is seen after this time.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, int> _numbers =
        stored.State.Trials.ToDictionary(static t => t.Name, static t => t.Number, StringComparer.Ordinal);

    private readonly HashSet<string> _points =
        stored.State.Trials.Select(static t => Key(t.Assignments))
            .Concat(spec.PriorResults.Select(static r => Key(r.Point)))
            .ToHashSet(StringComparer.Ordinal);

    private readonly ExperimentTrace _trace = ExperimentTrace.Of(spec.Namespace, spec.Name, stored.State);

    private readonly Channel<TrialEvent> _events = Channel.CreateUnbounded<TrialEvent>(new() { SingleReader = true });

    /// <summary>When running trials are to be ended early, as it was said last.</summary>
    private ImmutableArray<StoppingRule> _rules = [];

    private Task _asking = Task.CompletedTask;

    /// <summary>Why they are not asked for with success, as it was said last.</summary>
    private string? _unruled;

    private Task _suggesting = Task.CompletedTask;

    /// <summary>Whether the algorithm was asked for points and its answer is not taken in yet.</summary>
    private bool _isSuggesting;

    /// <summary>Whether the rules may be other ones: something was reported, or a trial has ended.</summary>
    private bool _rulesAreOld = true;

    /// <summary>What trials have pushed under names that nobody asked for.</summary>
    private readonly Dictionary<string, ImmutableSortedSet<string>> _strangers = new(StringComparer.Ordinal);

    private readonly long _begun = time.GetTimestamp();

    private string _manifest = spec.Manifest.ToJsonString();
    private long _lookedAt = time.GetTimestamp();
    private ExperimentState _state = stored.State;
    private int _failedCalls;
    private DateTimeOffset? _askedAt;
    private long _askedTimestamp;
    private string? _unanswered;
    private string? _noted = stored.Note;
    private CancellationToken _saving;
    private CancellationToken _calling;

    /// <summary>What is run, with the budgets that it has now; may be read from any thread.</summary>
    public ExperimentSpec Spec => Volatile.Read(ref spec);

    /// <summary>How far the experiment has come; may be read from any thread.</summary>
    public ExperimentState State => Volatile.Read(ref _state);

    /// <summary>Why it does not get on, as a sentence; null when it does. May be read from any thread.</summary>
    public string? Trouble => store.Trouble ?? runner.Trouble ?? Volatile.Read(ref _unanswered);

    /// <summary>Where trials report by themselves; null where they cannot.</summary>
    public PushServer? Push { get; init; }

    /// <summary>Who says when trials are to be ended early; null where each runs to its end.</summary>
    public StoppingClient? Stopping { get; init; }

    /// <summary>Runs until the experiment has ended and nothing of it is left running.</summary>
    /// <exception cref="SuggestionUnavailableException">The algorithm service does not answer; the state is kept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled: the trials are stopped, to be started again next time.</exception>
    public async Task<Outcome> RunAsync(CancellationToken cancellationToken)
    {
        // What has happened is saved even where the loop is to end; only a store that does not answer then keeps nobody.
        using var saving = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var ending = cancellationToken.Register(() => saving.CancelAfter(LastPatience));
        _saving = saving.Token;
        using var watched = Instruments.Watch(this, spec);
        using var taking = Push?.Desk.Open(this, store.Secret);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _calling = watching.Token;
        var watch = WatchAsync(watching.Token);
        try
        {
            await AdoptAsync(cancellationToken);
            await LookAsync(cancellationToken);
            while (true)
            {
                if (time.GetElapsedTime(_lookedAt) > LookEvery)
                {
                    await LookAsync(cancellationToken);
                    if (Stopping is not null && _rulesAreOld && _asking.IsCompleted)
                    {
                        _rulesAreOld = false;
                        _asking = AskAsync(Stopping, spec, _state, _calling);
                    }
                }

                var actions = ExperimentMachine.Next(spec, Worked(_state))
                    .RemoveAll(a => _isSuggesting && a is ExperimentAction.RequestTrials);
                await PerformAsync(actions, cancellationToken);

                if (_state.Outcome is { } outcome && actions.IsEmpty)
                {
                    return outcome;
                }

                // What has happened meanwhile is taken in before the next decision, but is not waited for when there is work.
                if (actions.IsEmpty && await NextAsync(cancellationToken) is { } awaited)
                {
                    await RecordAsync(awaited);
                }

                for (var i = 0; i < MaxEvents && _events.Reader.TryRead(out var happened); i++)
                {
                    await RecordAsync(happened);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            while (_events.Reader.TryRead(out var happened))
            {
                // Points that nobody has begun with are asked for again.
                if (happened is not Suggested)
                {
                    await RecordAsync(happened);
                }
            }

            await InterruptAsync();
            throw;
        }
        finally
        {
            await watching.CancelAsync();
            await watch;
            await _asking;
            await _suggesting;
            while (_events.Reader.TryRead(out var unheard))
            {
                (unheard as Pushed)?.Done.SetCanceled(CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    async Task<string?> IPushTarget.PushAsync(TrialState trial, ImmutableArray<MetricPoint> points, CancellationToken cancellationToken)
    {
        var pushed = new Pushed(trial, points);
        return _events.Writer.TryWrite(pushed)
            ? await pushed.Done.Task.WaitAsync(cancellationToken)
            : throw new OperationCanceledException();
    }

    /// <summary>The state with the time until now; the clock that everybody sees may jump, this one does not.</summary>
    private ExperimentState Worked(ExperimentState state) =>
        state with { Worked = stored.State.Worked + time.GetElapsedTime(_begun) };

    /// <summary>Takes in what users want of the experiment now.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (_isSuggesting && _unanswered is null && time.GetElapsedTime(_askedTimestamp) > QuietCall)
        {
            SayUnanswered(
                $"The algorithm service of '{spec.Algorithm.Name}' was asked for points at {_askedAt:u} and has not answered yet.");
        }

        await NoteAsync(cancellationToken);
        var wanted = await store.ReadWantedAsync(stored.Id, cancellationToken);
        _lookedAt = time.GetTimestamp();
        if (wanted is null)
        {
            return;
        }

        if (wanted.Manifest != _manifest)
        {
            _manifest = wanted.Manifest;
            var changed = ExperimentYaml.Parse(wanted.Manifest).Spec
                ?? throw new InvalidOperationException("The store has an Experiment that cannot be read.");
            progress.Report(new(
                $"Budgets are now parallelTrialCount {changed.ParallelTrialCount}, maxTrialCount {Text(changed.MaxTrialCount)}, "
                + $"maxFailedTrialCount {Text(changed.MaxFailedTrialCount)}."));
            Volatile.Write(ref spec, changed);
        }

        if (wanted.IsPaused != _state.IsPaused)
        {
            progress.Report(new(wanted.IsPaused ? "Paused: no further trial is begun." : "Resumed."));
        }

        if (wanted.IsPaused != _state.IsPaused || !wanted.Wishes.SequenceEqual(_state.Wishes))
        {
            Set(_state with { IsPaused = wanted.IsPaused, Wishes = wanted.Wishes });
        }

        static string Text(int? count) => count?.ToString(CultureInfo.InvariantCulture) ?? "unlimited";
    }

    /// <summary>Writes down what it waits for, for whoever looks at it from elsewhere.</summary>
    private async Task NoteAsync(CancellationToken cancellationToken)
    {
        if (Trouble is var note && note != _noted)
        {
            await store.NoteAsync(stored.Id, note, cancellationToken);
            _noted = note;
        }
    }

    /// <summary>The next event; null when it is time to look around without one.</summary>
    private async Task<TrialEvent?> NextAsync(CancellationToken cancellationToken)
    {
        var left = (spec.Policy.MaxDuration - Worked(_state).Worked) ?? LookEvery;
        left = left < TimeSpan.Zero ? TimeSpan.Zero : left;
        using var late = new CancellationTokenSource(left < LookEvery ? left : LookEvery, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await _events.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var happened in runner.WatchAsync(cancellationToken))
            {
                _ = _events.Writer.TryWrite(happened);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _events.Writer.Complete();
        }
        catch (Exception failure)
        {
            _events.Writer.Complete(failure);
            throw;
        }
    }

    /// <summary>Trials that ran when the last coordinator went away are taken over, or found to have ended.</summary>
    private async Task AdoptAsync(CancellationToken cancellationToken)
    {
        foreach (var trial in _state.Trials.Where(static t => t.Status is TrialStatus.Running))
        {
            // What it waited for is over, or is said anew.
            Set(_state.With(trial with { Reason = TrialReasons.Running, Message = TrialReasons.RunningMessage }));
            await runner.StartAsync(JobOf(trial), cancellationToken);
        }
    }

    /// <summary>The end before the stops, which are begun together: a trial may take its time to end.</summary>
    private async Task PerformAsync(ImmutableArray<ExperimentAction> actions, CancellationToken cancellationToken)
    {
        var finish = actions.OfType<ExperimentAction.Finish>();
        TrialState[] stopped = [.. actions.OfType<ExperimentAction.StopTrial>().Select(static stop => stop.Trial)];
        foreach (var action in finish)
        {
            await PerformAsync(action, cancellationToken);
        }

        await Task.WhenAll(stopped.Select(trial => runner.StopAsync(trial.Name, cancellationToken)));
        foreach (var trial in stopped)
        {
            await EndAsync(trial, _state.Outcome is null && _state.Wishes.TryGetValue(trial.Number, out var wish)
                ? TrialEnding.End(trial, wish, spec.Objective, time.GetUtcNow())
                : TrialEnding.Kill(trial, time.GetUtcNow()));
        }

        foreach (var action in actions.Where(static a => a is not (ExperimentAction.Finish or ExperimentAction.StopTrial)))
        {
            await PerformAsync(action, cancellationToken);
        }
    }

    private async Task PerformAsync(ExperimentAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case ExperimentAction.RequestTrials(var count):
                await RequestAsync(count);
                break;
            case ExperimentAction.StartTrial(var trial):
                var running = trial with
                {
                    Status = TrialStatus.Running,
                    Reason = TrialReasons.Running,
                    Message = TrialReasons.RunningMessage,
                    ReasonSince = null,
                    StartedAt = time.GetUtcNow(),
                };
                await SaveAsync(running);
                await runner.StartAsync(JobOf(trial), cancellationToken);
                break;
            case ExperimentAction.Finish(var outcome):
                var now = time.GetUtcNow();
                var finished = Worked(_state) with { Outcome = outcome, EndedAt = now, Conditions = _state.Conditions.End(outcome, now) };
                await store.SaveAsync(stored.Id, finished, _saving);
                Set(finished);
                break;
            default:
                throw new InvalidOperationException($"There is no action {action}.");
        }
    }

    private async Task RequestAsync(int count)
    {
        ImmutableArray<ImmutableArray<Assignment>> given = [.. spec.InitialPoints.Where(p => _points.Add(Key(p))).Take(count)];
        if (!given.IsEmpty)
        {
            await AddAsync(given, _state.SettingsEcho);
            return;
        }

        _askedAt ??= time.GetUtcNow();
        _askedTimestamp = time.GetTimestamp();
        _isSuggesting = true;
        _suggesting = SuggestAsync(spec, _state, count, _calling);
    }

    /// <summary>Asks the algorithm, which may take its time: what happens to trials, and what users want, goes on meanwhile.</summary>
    private async Task SuggestAsync(ExperimentSpec asked, ExperimentState state, int count, CancellationToken cancellationToken)
    {
        Suggested answer;
        try
        {
            try
            {
                answer = new(await suggestions.SuggestAsync(asked, state, count, cancellationToken), null);
            }
            catch (SuggestionUnavailableException failure)
            {
                await Task.Delay(CallPause, time, cancellationToken);
                answer = new(null, failure);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The experiment has ended, or is interrupted.
            return;
        }
#pragma warning disable CA1031 // The loop throws it, or ends the experiment with what it says.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            answer = new(null, failure);
        }

        _ = _events.Writer.TryWrite(answer);
    }

    private async Task TakeInAsync(Suggested answer)
    {
        _isSuggesting = false;
        switch (answer.Failure)
        {
            case null:
                _failedCalls = 0;
                _askedAt = null;
                Volatile.Write(ref _unanswered, null);
                await TakeInAsync(answer.Reply!);
                break;
            case SuggestionUnavailableException unavailable when
                ++_failedCalls < MaxFailedCalls || _state.Trials.Any(static t => t.IsActive):
                SayUnanswered($"{unavailable.Message} It is asked again and again since {_askedAt:u}.");
                break;
            case SuggestionRefusedException refusal:
                if (_state.Outcome is null)
                {
                    await PerformAsync(new ExperimentAction.Finish(Outcome.SuggestionFailed(refusal.Message)), _saving);
                }

                break;
            default:
                ExceptionDispatchInfo.Throw(answer.Failure);
                break;
        }
    }

    private async Task TakeInAsync(SuggestionReply reply)
    {
        // A reply may be filled up with points of its own when the space has no more.
        var points = spec.AllowsDuplicates
            ? reply.Points
            : [.. reply.Points.DistinctBy(Key).Where(p => !_points.Contains(Key(p)))];
        if (reply.IsExhausted || points.IsEmpty)
        {
            Set(_state with { IsSearchExhausted = true });
            return;
        }

        // Since it was asked the experiment may have been paused, have got a smaller budget, or have ended.
        var wanted = ExperimentMachine.Next(spec, Worked(_state)).OfType<ExperimentAction.RequestTrials>().Sum(static r => r.Count);
        if (wanted > 0)
        {
            points = [.. points.Take(wanted)];
            _points.UnionWith(points.Select(Key));
            await AddAsync(points, RequestMapping.Merge(_state.SettingsEcho, reply.SettingsEcho));
        }
    }

    /// <summary>Says once why there are no points; <see cref="NoteAsync"/> writes it down.</summary>
    private void SayUnanswered(string sentence)
    {
        if (sentence != _unanswered)
        {
            progress.Report(new(sentence));
            Volatile.Write(ref _unanswered, sentence);
        }
    }

    private async Task AddAsync(
        ImmutableArray<ImmutableArray<Assignment>> points, ImmutableArray<KeyValuePair<string, string>> settingsEcho)
    {
        var now = time.GetUtcNow();
        ImmutableArray<TrialState> trials = [.. points.Select((assignments, i) => NewTrial(assignments, i, now))];
        var after = Worked(_state) with { Trials = _state.Trials.AddRange(trials), SettingsEcho = settingsEcho };
        await store.AddTrialsAsync(stored.Id, after, trials, _saving);
        foreach (var trial in trials)
        {
            _numbers.Add(trial.Name, trial.Number);
        }

        Set(after);
    }

    private static string Key(ImmutableArray<Assignment> assignments) =>
        string.Join('\n', assignments.Select(static a => $"{a.Name}={a.Value}"));

    private TrialState NewTrial(ImmutableArray<Assignment> assignments, int index, DateTimeOffset now)
    {
        var number = _state.Trials.Length + index + 1;
        return new(
            string.Create(CultureInfo.InvariantCulture, $"{spec.Name}-{number:0000}"),
            number,
            assignments,
            TrialStatus.Created,
            Attempt: 1,
            TrialReasons.Created,
            "Trial is created",
            now,
            StartedAt: null,
            EndedAt: null,
            Observation.Of(spec.Objective.AllMetricNames));
    }

    private async Task RecordAsync(TrialEvent happened)
    {
        switch (happened)
        {
            case Pushed pushed:
                await TakeInAsync(pushed);
                return;
            case Suggested suggested:
                await TakeInAsync(suggested);
                return;
            case Answered answer:
                _rules = answer.Rules;
                foreach (var running in _state.Trials.Where(static t => t.Status is TrialStatus.Running))
                {
                    await JudgeAsync(running);
                }

                return;
            default:
                break;
        }

        // A trial that was stopped may still have events under way.
        if (!_numbers.TryGetValue(happened.Trial, out var number)
            || _state.Trials[number - 1] is not { Status: TrialStatus.Running } trial)
        {
            return;
        }

        switch (happened)
        {
            case TrialEvent.Measured(_, var stream, var first, var points):
                await TakeInAsync(await store.AppendObservationsAsync(
                    stored.Id, trial.Hear(points, spec.Objective, time.GetUtcNow()), stream, first, points, _saving));
                break;
            case TrialEvent.Noted(_, TrialReasons.NothingReported, _) when trial.Observation.ValueOf(spec.Objective).Reason is not MetricSummary.Unavailable:
                // The runner has not seen what was pushed.
                break;
            case TrialEvent.Noted(_, var reason, var message):
                if (reason is TrialReasons.NothingReported && reason != trial.Reason)
                {
                    progress.Report(new(message) { Trial = trial.Name, Reason = reason });
                }

                await SaveAsync(trial.Note(reason, message, time.GetUtcNow()));
                break;
            case TrialEvent.Restarted:
                progress.Report(new("Its program was started again; what it has reported before does not count.") { Trial = trial.Name });
                var restarted = trial with { ReportedAt = null, Observation = Observation.Of(spec.Objective.AllMetricNames) };
                await store.SaveRestartedAsync(stored.Id, restarted, _saving);
                Set(_state.With(restarted));
                break;
            case TrialEvent.Ended(_, var exit):
                var explained = spec.MetricsCollector.TakesPushes
                    ? exit with { WhyUnavailable = exit.WhyUnavailable ?? WhyNotPushed(trial.Name) }
                    : exit;
                var ended = TrialEnding.Apply(trial, explained, spec, time.GetUtcNow());
                _rulesAreOld = true;
                if (spec.Keeps is KeepPolicy.Failed && ended is { IsActive: false, IsFailed: false })
                {
                    // Before its end is saved: whoever is killed here hears of the end again.
                    await runner.StopAsync(trial.Name, CancellationToken.None);
                }

                await EndAsync(
                    trial, ended, () => progress.Report(new(ended.Message) { Trial = ended.Name, Reason = ended.Reason }));
                break;
            default:
                throw new InvalidOperationException($"There is no event {happened}.");
        }
    }

    /// <summary>Goes on with a trial that has reported.</summary>
    private async Task TakeInAsync(TrialState measured)
    {
        Set(_state.With(measured));
        _rulesAreOld = true;
        await JudgeAsync(measured);
    }

    /// <summary>Has a trial ended early where the rules say so; the wish is saved, so that whoever goes on here does it as well.</summary>
    private async Task JudgeAsync(TrialState running)
    {
        if (!_state.Wishes.ContainsKey(running.Number)
            && StoppingRule.Verdict(_rules, running.Observation, spec.Objective) is { } reason)
        {
            progress.Report(new($"Ended early: {reason}.") { Trial = running.Name });
            await store.WantAsync(stored.Id, running.Number, TrialWish.StopEarly, _saving);
            Set(_state with { Wishes = _state.Wishes.Add(running.Number, TrialWish.StopEarly) });
        }
    }

    /// <summary>Asks for the rules as the experiment stands; while nobody answers the old ones hold.</summary>
    private async Task AskAsync(
        StoppingClient stopping, ExperimentSpec asked, ExperimentState state, CancellationToken cancellationToken)
    {
        try
        {
            _ = _events.Writer.TryWrite(new Answered(await stopping.AskAsync(asked, state, cancellationToken)));
            _unruled = null;
        }
        catch (Exception failure) when (failure is SuggestionUnavailableException or SuggestionRefusedException)
        {
            if (failure.Message != _unruled)
            {
                progress.Report(new($"{failure.Message} Until it has answered the rules stay as they are. Trying again."));
                _unruled = failure.Message;
            }

            _rulesAreOld = true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The experiment has ended.
        }
    }

    /// <summary>Saves what was pushed, with all that was pushed behind it in one go.</summary>
    private async Task TakeInAsync(Pushed first)
    {
        List<Pushed> pushed = [first];
        for (var count = first.Points.Length;
            count < MaxPushed && _events.Reader.TryPeek(out var next) && next is Pushed && _events.Reader.TryRead(out next);
            count += pushed[^1].Points.Length)
        {
            pushed.Add((Pushed)next);
        }

        // By the trial as it stands: its attempt may have ended since it pushed.
        var names = spec.Objective.AllMetricNames;
        var taken = pushed.Where(p => IsRunning(p.Attempt)).ToLookup(static p => p.Attempt.Number);
        var reports = taken.Select(trial =>
        {
            ImmutableArray<MetricPoint> points = [.. trial.SelectMany(static p => p.Points).Where(p => names.Contains(p.Metric))];
            return (_state.Trials[trial.Key - 1].Hear(points, spec.Objective, time.GetUtcNow()), points);
        });
        try
        {
            foreach (var after in await store.PushObservationsAsync(stored.Id, [.. reports], _saving))
            {
                await TakeInAsync(after);
            }
        }
        catch
        {
            pushed.ForEach(static p => p.Done.SetCanceled(CancellationToken.None));
            throw;
        }

        foreach (var push in pushed)
        {
            Remember(push.Trial, [.. push.Points.Select(static p => p.Metric).Except(names)]);
            push.Done.SetResult(IsRunning(push.Attempt)
                ? null
                : $"Attempt {push.Attempt.Attempt} at the trial '{push.Trial}' does not run; it takes no further observations.");
        }

        bool IsRunning(TrialState trial) =>
            _state.Trials[trial.Number - 1] is { Status: TrialStatus.Running } now && now.Attempt == trial.Attempt;
    }

    private void Remember(string trial, ImmutableArray<string> strangers)
    {
        if (!strangers.IsEmpty)
        {
            _strangers[trial] = [.. _strangers.GetValueOrDefault(trial, []).Union(strangers).Take(MaxStrangers)];
        }
    }

    private string WhyNotPushed(string trial)
    {
        var expected = spec.Objective.MetricName;
        return _strangers.Remove(trial, out var found) && !found.IsEmpty
            ? $"Pushed {string.Join(", ", found.Select(static name => $"'{name}'"))}, expected '{expected}'."
            : $"Nothing was pushed: the program must POST {expected}=NUMBER to {PushServer.UrlVariable} with {PushServer.TokenVariable}.";
    }

    /// <summary>Stops what runs and leaves it to be started again: the next run goes on from here.</summary>
    private async Task InterruptAsync()
    {
        var running = _state.Trials.Where(static t => t.Status is TrialStatus.Running).ToArray();
        await Task.WhenAll(running.Select(t => runner.StopAsync(t.Name, CancellationToken.None)));
        foreach (var trial in running)
        {
            var interrupted = TrialEnding.Again(trial, "Interrupted", "Trial was interrupted", spec.Objective, time.GetUtcNow());
            await EndAsync(trial, interrupted);
        }

        await store.SaveAsync(stored.Id, Worked(_state), _saving);
    }

    /// <summary>Saves what has become of a trial that ran, and tells operators; <paramref name="report"/> is part of that.</summary>
    private async Task EndAsync(TrialState attempt, TrialState after, Action? report = null)
    {
        await SaveAsync(after);
        var end = after.EndedAt ?? time.GetUtcNow();
        Instruments.Ended(attempt, after, end);
        _trace.Ended(attempt, after, end, report);
    }

    private TrialJob JobOf(TrialState trial) => new(
        trial.Name,
        trial.Attempt,
        spec.Template.Render(
            trial.Name,
            spec.Namespace,
            trial.Assignments.ToDictionary(static a => a.Name, static a => a.Value, StringComparer.Ordinal)),
        spec.Template.PrimaryContainerName,
        spec.MetricsCollector,
        spec.Objective.AllMetricNames)
    {
        Environment =
        [
            .. _trace.EnvironmentOf(trial),
            .. spec.MetricsCollector.TakesPushes && Push is not null
                ? Push.EnvironmentOf(store.Secret, spec.Namespace, trial, stored.Runner)
                : [],
        ],
        IsKept = spec.Keeps is not KeepPolicy.None,
        Timeout = spec.Policy.TrialTimeout,
    };

    private async Task SaveAsync(TrialState trial)
    {
        await store.SaveAsync(stored.Id, trial, _saving);
        Set(_state.With(trial));
    }

    private void Set(ExperimentState state) => Volatile.Write(ref _state, state);

    /// <summary>What the algorithm has answered, or why it has not.</summary>
    private sealed record Suggested(SuggestionReply? Reply, Exception? Failure) : TrialEvent("");

    /// <summary>The rules that hold now.</summary>
    private sealed record Answered(ImmutableArray<StoppingRule> Rules) : TrialEvent("");

    /// <summary>A trial's attempt has pushed values; somebody waits until they are saved, or hears why they are not.</summary>
    private sealed record Pushed(TrialState Attempt, ImmutableArray<MetricPoint> Points) : TrialEvent(Attempt.Name)
    {
        public TaskCompletionSource<string?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
