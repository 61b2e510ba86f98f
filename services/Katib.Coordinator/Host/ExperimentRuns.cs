using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>An experiment as it stands just now.</summary>
/// <param name="Spec">What is wanted.</param>
/// <param name="State">How far it has come.</param>
/// <param name="Note">Why it does not get on; null when it does, or has ended.</param>
/// <param name="IsWorkedOn">Whether this process works on it.</param>
internal sealed record ExperimentLook(ExperimentSpec Spec, ExperimentState State, string? Note, bool IsWorkedOn);

/// <summary>The experiments of this process, whoever has handed them in: each has a task of its own.</summary>
/// <remarks>Safe to use from any thread. The store is opened anew for each look and each run.</remarks>
internal sealed partial class ExperimentRuns(
    PushHost push, IOptions<CoordinatorOptions> options, ILogger<ExperimentRuns> logger, TimeProvider time) : IAsyncDisposable
{
    private const string NotWorkedOn = "This coordinator does not work on it.";
    private const string Paused = "It is paused: no further trial is begun until it is resumed.";

    private readonly CoordinatorOptions _options = options.Value;
    private readonly StoreLocation _location = StoreLocation.Parse(options.Value.Store, options.Value.Trials);
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Namespace, string Name), ExperimentWork> _works = [];
    private readonly HashSet<(string Namespace, string Name)> _ending = [];
    private bool _isClosed;

    /// <summary>Begins to work on an experiment, or joins the work that is under way.</summary>
    /// <param name="spec">What is to be run.</param>
    /// <param name="folder">Where its trials start.</param>
    /// <param name="runner">What its trials are run as.</param>
    /// <param name="isPatient">Whether a service that does not answer is waited for, even at the very beginning.</param>
    /// <param name="fresh">Whether an earlier run is forgotten.</param>
    /// <exception cref="ExperimentRefusedException">It is under way with another content.</exception>
    public ExperimentWork Begin(ExperimentSpec spec, string folder, RunnerKind runner, bool isPatient, bool fresh = false)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var key = (spec.Namespace, spec.Name);
            if (_ending.Contains(key))
            {
                throw new ExperimentRefusedException($"'{spec.Name}' is being stopped; try again when that is done.");
            }

            if (_works.TryGetValue(key, out var known))
            {
                if (!known.Completion.IsCompleted)
                {
                    ThrowIfOther(known.Spec, spec, fresh);
                    return known;
                }

                known.Dispose();
                _ = _works.Remove(key);
            }

            ForgetEnded();
            var work = new ExperimentWork(
                new(_location, time) { Push = push.Server },
                new(spec, folder, Gpus: [], fresh) { Runner = runner },
                isPatient,
                _options,
                logger,
                time);
            _works[key] = work;
            work.Begin();
            return work;
        }
    }

    /// <summary>What an experiment's trials are run as: as they were begun, or as this coordinator's option says.</summary>
    public async Task<RunnerKind> FindRunnerAsync(ExperimentSpec spec, bool fresh, CancellationToken cancellationToken) =>
        (fresh ? null : await new ExperimentSession(_location, time).FindRunnerAsync(spec.Namespace, spec.Name, cancellationToken))
        ?? _options.Runner;

    /// <summary>Goes on with everything in the store that has not ended and is not under way.</summary>
    /// <exception cref="StoreException">The store cannot be used.</exception>
    public async Task GoOnAsync(CancellationToken cancellationToken)
    {
        await using var store = await OpenAsync(cancellationToken);
        foreach (var stored in await store.ListUnfinishedAsync(cancellationToken))
        {
            if (ExperimentYaml.Parse(stored.Manifest).Spec is not { } spec)
            {
                Log.Unreadable(logger, stored.Name);
            }
            else if (WorkOn(stored.Namespace, stored.Name).Work is null)
            {
                _ = Begin(spec, stored.Folder, stored.Runner, isPatient: true);
            }
        }
    }

    /// <summary>All experiments, or those of one namespace, or those with a trial of that name; without their trials.</summary>
    public async Task<IEnumerable<StoredExperiment>> ListAsync(
        string? @namespace, string? trial, CancellationToken cancellationToken)
    {
        await using var store = await OpenAsync(cancellationToken);
        var found = trial is null
            ? await store.ListAsync(cancellationToken)
            : await store.FindByTrialAsync(trial, cancellationToken);
        return found.AddRange(trial is null ? Unbegun(found) : []).Where(e => @namespace is null || e.Namespace == @namespace);
    }

    /// <summary>What waits for its admission, and is not in the store yet.</summary>
    private StoredExperiment[] Unbegun(ImmutableArray<StoredExperiment> stored)
    {
        lock (_gate)
        {
            return
            [
                .. _works.Values
                    .Where(w => w.IsOnlyHere && !stored.Any(e => e.Namespace == w.Spec.Namespace && e.Name == w.Spec.Name))
                    .Select(static w => new StoredExperiment(
                        0, w.Spec.Namespace, w.Spec.Name, w.Spec.Manifest.ToJsonString(), "", RunnerKind.Process, w.Unbegun)),
            ];
        }
    }

    /// <summary>One experiment with its trials; null when there is none of that name.</summary>
    public async Task<ExperimentLook?> LookAsync(string @namespace, string name, CancellationToken cancellationToken)
    {
        // Before the store is read: what ends in between is then looked at once more, and not taken for left alone.
        var (work, isWorkedOn) = WorkOn(@namespace, name);
        if (work is { Completion.IsCompleted: false, State: { } state })
        {
            return new(work.Spec, state, work.Note ?? NoteOf(state), IsWorkedOn: true);
        }

        await using var store = await OpenAsync(cancellationToken);
        if (await store.ReadAsync(@namespace, name, cancellationToken) is not { } stored
            || ExperimentYaml.Parse(stored.Manifest).Spec is not { } spec)
        {
            return work is { IsOnlyHere: true }
                ? new(work.Spec, work.Unbegun, work.Note, isWorkedOn)
                : null;
        }

        var note = work?.Note ?? (isWorkedOn ? null : NotWorkedOn);
        return new(spec, stored.State, stored.State.Outcome is null ? note ?? NoteOf(stored.State) : null, isWorkedOn);
    }

    /// <summary>Why an unfinished experiment does not get on; null when it does.</summary>
    public string? NoteOn(string @namespace, string name)
    {
        var (work, isWorkedOn) = WorkOn(@namespace, name);
        return work?.Note ?? (isWorkedOn ? null : NotWorkedOn);
    }

    /// <summary>The newest log of a trial; null when there is none yet.</summary>
    public async Task<string?> FindLogAsync(
        string @namespace, string name, string trial, CancellationToken cancellationToken) =>
        (await LookAsync(@namespace, name, cancellationToken))?.State.Find(trial) is { } found
            ? TrialLog.Newest(_location.FolderOf(@namespace, name), found)
            : null;

    /// <summary>Stops an experiment for good and keeps its results; false when there is none of that name.</summary>
    /// <exception cref="ExperimentRefusedException">Another process works on it.</exception>
    public Task<bool> StopAsync(string @namespace, string name) =>
        EndAsync(@namespace, name, static (session, store, stored) => session.StopAsync(store, stored, CancellationToken.None));

    /// <summary>Stops an experiment and forgets it; false when there is none of that name.</summary>
    /// <exception cref="ExperimentRefusedException">Another process works on it.</exception>
    public Task<bool> DeleteAsync(string @namespace, string name) =>
        EndAsync(@namespace, name, static (session, store, stored) => session.DeleteAsync(store, stored, CancellationToken.None));

    /// <summary>Goes on with an experiment that has ended, as it was begun and with other budgets.</summary>
    /// <returns>Null when there is none of that name, it has not ended, or the budgets are wrong.</returns>
    /// <exception cref="ExperimentRefusedException">It is under way.</exception>
    public async Task<ExperimentWork?> BeginAgainAsync(
        string @namespace, string name, BudgetChange budgets, CancellationToken cancellationToken)
    {
        await using var store = await OpenAsync(cancellationToken);
        return await store.FindAsync(@namespace, name, cancellationToken) is { State.Outcome: not null } stored
            && ExperimentYaml.Parse(stored.Manifest).Spec is { } spec
            && budgets.ApplyTo(spec).Spec is { } changed
                ? Begin(changed, stored.Folder, stored.Runner, isPatient: false)
                : null;
    }

    /// <summary>Says what is wanted of an experiment; false when there is none of that name.</summary>
    /// <exception cref="ExperimentRefusedException">It cannot be had.</exception>
    public async Task<bool> WantAsync(
        string @namespace, string name, Func<ExperimentStore, StoredExperiment, Task> want, CancellationToken cancellationToken)
    {
        await using var store = await OpenAsync(cancellationToken);
        if (await store.ReadAsync(@namespace, name, cancellationToken) is not { } stored)
        {
            return false;
        }

        await want(store, stored);
        return true;
    }

    /// <summary>Interrupts all that is under way, for the next coordinator to go on with.</summary>
    public async ValueTask DisposeAsync()
    {
        ExperimentWork[] works;
        lock (_gate)
        {
            _isClosed = true;
            works = [.. _works.Values];
        }

        await Task.WhenAll(works.Select(static w => w.InterruptAsync()));
        foreach (var work in works)
        {
            work.Dispose();
        }
    }

    private static string? NoteOf(ExperimentState state) => state is { IsPaused: true, Outcome: null } ? Paused : null;

    private Task<ExperimentStore> OpenAsync(CancellationToken cancellationToken) =>
        ExperimentStore.OpenAsync(_location, time, isPatient: false, cancellationToken);

    /// <summary>Not to be cancelled: an experiment that is interrupted and then left alone would be worked on by nobody.</summary>
    private async Task<bool> EndAsync(
        string @namespace, string name, Func<ExperimentSession, ExperimentStore, StoredExperiment, Task> end)
    {
        var key = (@namespace, name);
        ExperimentWork? work;
        lock (_gate)
        {
            work = _works.GetValueOrDefault(key);
            if (!_ending.Add(key))
            {
                throw new ExperimentRefusedException($"'{name}' is being stopped already; try again when that is done.");
            }
        }

        try
        {
            // The store first: where it does not answer, the work goes on. From then on it is waited for.
            await using var store = await OpenAsync(CancellationToken.None);
            store.IsPatient = true;
            await (work?.InterruptAsync() ?? Task.CompletedTask);
            if (await store.ReadAsync(@namespace, name, CancellationToken.None) is not { } stored)
            {
                return false;
            }

            await end(new(_location, time), store, stored);
            return true;
        }
        finally
        {
            lock (_gate)
            {
                _ = _ending.Remove(key);
            }
        }
    }

    /// <summary>What has ended well is read from the store, and what has not keeps its note.</summary>
    private void ForgetEnded()
    {
        foreach (var (key, work) in _works.Where(static w => w.Value is { Completion.IsCompleted: true, Note: null }).ToArray())
        {
            _ = _works.Remove(key);
            work.Dispose();
        }
    }

    private (ExperimentWork? Work, bool IsWorkedOn) WorkOn(string @namespace, string name)
    {
        var key = (@namespace, name);
        lock (_gate)
        {
            var work = _works.GetValueOrDefault(key);
            return (work, work is { Completion.IsCompleted: false } || _ending.Contains(key));
        }
    }

    private static void ThrowIfOther(ExperimentSpec known, ExperimentSpec given, bool fresh)
    {
        if (fresh)
        {
            throw new ExperimentRefusedException($"'{known.Name}' is under way; stop it before it is started anew.");
        }

        var (changes, remedy) = ExperimentChange.Between(known.Manifest, given.Manifest) switch
        {
            ExperimentChange.Budgets(var budgets) => (budgets, "`katib set` changes its budgets."),
            ExperimentChange.Other(var others, _) => (
                others, "Wait for its end or stop it, or give this one another metadata.name."),
            _ => ([], ""),
        };
        if (!changes.IsEmpty)
        {
            throw new ExperimentRefusedException(
                $"'{known.Name}' is under way with another content:\n{string.Concat(changes.Select(static c => $"  {c}\n"))}{remedy}");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 8, Level = LogLevel.Error, Message = "{Experiment} is in the store with a content that this version refuses")]
        public static partial void Unreadable(ILogger logger, string experiment);
    }
}
