using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Pushing;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Katib.Coordinator.Telling;

namespace Katib.Coordinator;

/// <summary>The experiment cannot be run as asked; the message says why and what to do instead.</summary>
public sealed class ExperimentRefusedException(string message) : Exception(message)
{
    /// <summary>What is wrong with the Experiment itself; empty when the reason is another.</summary>
    public ImmutableArray<Problem> Problems { get; init; } = [];
}

/// <summary>What is to be run.</summary>
/// <param name="Spec">The experiment.</param>
/// <param name="Folder">The directory that its trials start in.</param>
/// <param name="Gpus">The devices, each for one trial at a time; none to leave the choice to the trials.</param>
/// <param name="Fresh">Whether an earlier run of it is forgotten.</param>
public sealed record SessionRequest(ExperimentSpec Spec, string Folder, ImmutableArray<string> Gpus, bool Fresh)
{
    /// <summary>What the trials are run as.</summary>
    public RunnerKind Runner { get; init; } = RunnerKind.Process;
}

/// <summary>Runs experiments on this machine against one store: takes each up where it stands and brings it to its end.</summary>
public sealed class ExperimentSession(StoreLocation location, TimeProvider time)
{
    /// <summary>Where trials report by themselves; null where they cannot.</summary>
    public PushServer? Push { get; init; }

    /// <summary>Another program's look at the lock takes no longer.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs an experiment to its end; one that has ended already is only read.</summary>
    /// <param name="request">What is to be run.</param>
    /// <param name="findService">Called when the algorithm is needed: the address of its service.</param>
    /// <param name="drive">Runs the loop, for instance while showing it.</param>
    /// <param name="progress">Hears of every step.</param>
    /// <param name="cancellationToken">Stops the trials and leaves a state from which a further call goes on.</param>
    /// <exception cref="ExperimentRefusedException">It is run elsewhere, or differs from what was begun.</exception>
    /// <exception cref="SuggestionRefusedException">The algorithm refuses it.</exception>
    /// <exception cref="SuggestionUnavailableException">The algorithm does not answer.</exception>
    public async Task<StoredExperiment> RunAsync(
        SessionRequest request,
        Func<string, CancellationToken, Task<Uri>> findService,
        Func<ExperimentLoop, CancellationToken, Task<Outcome>> drive,
        IProgress<ExperimentStep> progress,
        CancellationToken cancellationToken)
    {
        var spec = request.Spec;
        var folder = location.FolderOf(spec.Namespace, spec.Name);
        await using var store = await ExperimentStore.OpenAsync(location, time, isPatient: true, cancellationToken);
        using var held = await LockAsync(store, spec.Namespace, spec.Name, cancellationToken);
        var old = await store.ReadAsync(spec.Namespace, spec.Name, cancellationToken);
        var stored = old is null || request.Fresh ? null : Admit(old, spec);
        if (stored?.State.Outcome is not null && !stored.State.Trials.Any(static t => t.IsActive))
        {
            return stored;
        }

        ThrowIfBegunElsewhere(stored, request.Runner);
        await using var runner = request.Runner.Create(
            new(store.Id, spec.Namespace, spec.Name, folder, request.Folder, request.Gpus) { Template = spec.Template },
            Parser,
            new RunnerSteps(progress),
            time);
        await ThrowIfNotRunnableAsync(spec, runner, cancellationToken);
        var now = time.GetUtcNow();
        var begun = stored?.State ?? new([], now, EndedAt: null, Conditions.Begin(now), []);
        var span = ExperimentTrace.Of(spec.Namespace, spec.Name, begun).Begin();
        try
        {
            // Nothing is changed before the algorithm has accepted the experiment.
            using var suggestions = new SuggestionClient(await findService(spec.Algorithm.Name, cancellationToken), time);
            await suggestions.ValidateAsync(spec, cancellationToken);
            using var stopping = await OpenStoppingAsync(spec, store, findService, cancellationToken);
            if (stored is null)
            {
                await using var earlier = old is null ? null : RunnerOf(store, old, folder);
                await ForgetAsync(store, earlier ?? runner, old, folder, cancellationToken);
                stored = await store.CreateAsync(spec, request.Folder, request.Runner, begun, cancellationToken);
            }
            else
            {
                await store.UpdateAsync(stored.Id, spec, stored.State, cancellationToken);
            }

            var loop = new ExperimentLoop(spec, stored, store, suggestions, runner, progress, time)
            {
                Push = Push,
                Stopping = stopping,
            };
            _ = await drive(loop, cancellationToken);
            ExperimentTrace.End(span, loop.State);
            return stored with { State = loop.State };
        }
        catch (SuggestionRefusedException)
        {
            ExperimentTrace.Refuse(span);
            throw;
        }
        finally
        {
            // What a trial has started in sessions of its own ends here too.
            await runner.SweepAsync(sparesKept: true, CancellationToken.None);
        }
    }

    /// <summary>Ends an experiment that no process works on, for good; one that has ended stays as it is.</summary>
    /// <exception cref="ExperimentRefusedException">A process works on it.</exception>
    public async Task StopAsync(ExperimentStore store, StoredExperiment stored, CancellationToken cancellationToken)
    {
        var folder = location.FolderOf(stored.Namespace, stored.Name);
        using var held = await LockAsync(store, stored.Namespace, stored.Name, cancellationToken);
        if (await store.ReadAsync(stored.Namespace, stored.Name, cancellationToken)
            is not { State: { Outcome: null } state } unfinished)
        {
            return;
        }

        // Stored before it is done: whoever comes next finishes what is left to stop.
        var now = time.GetUtcNow();
        var ended = state with { Outcome = Outcome.Stopped, EndedAt = now, Conditions = state.Conditions.End(Outcome.Stopped, now) };
        await store.SaveAsync(unfinished.Id, ended, cancellationToken);
        var trace = ExperimentTrace.Of(stored.Namespace, stored.Name, state);
        var span = trace.Begin();
        await using (var runner = RunnerOf(store, stored, folder))
        {
            await runner.SweepAsync(sparesKept: true, cancellationToken);
        }

        foreach (var trial in state.Trials.Where(static t => t.IsActive))
        {
            var killed = TrialEnding.Kill(trial, time.GetUtcNow());
            await store.SaveAsync(unfinished.Id, killed, cancellationToken);
            trace.Ended(trial, killed, killed.EndedAt!.Value);
        }

        ExperimentTrace.End(span, ended);
    }

    /// <summary>Changes the budgets of an experiment that has not ended, whoever works on it.</summary>
    /// <exception cref="ExperimentRefusedException">It has ended, or the budgets are wrong.</exception>
    public static async Task SetAsync(
        ExperimentStore store, StoredExperiment stored, BudgetChange budgets, CancellationToken cancellationToken)
    {
        ThrowIfEnded(stored);
        var changed = budgets.ApplyTo(ExperimentYaml.Parse(stored.Manifest).Spec!);
        if (changed.Spec is not { } spec)
        {
            throw new ExperimentRefusedException(string.Join('\n', changed.Problems.Select(static p => $"{p.Path} '{p.Value}': {p.Message}")));
        }

        await store.WantAsync(stored.Id, spec.Manifest.ToJsonString(), isPaused: null, cancellationToken);
    }

    /// <summary>Lets an experiment begin no further trial, or lets it go on; whoever works on it.</summary>
    /// <exception cref="ExperimentRefusedException">It has ended.</exception>
    public static async Task PauseAsync(
        ExperimentStore store, StoredExperiment stored, bool isPaused, CancellationToken cancellationToken)
    {
        ThrowIfEnded(stored);
        await store.WantAsync(stored.Id, manifest: null, isPaused, cancellationToken);
    }

    /// <summary>Ends a trial of an experiment, whoever works on it.</summary>
    /// <exception cref="ExperimentRefusedException">There is no such trial, or it has ended.</exception>
    public static async Task EndTrialAsync(
        ExperimentStore store, StoredExperiment stored, string trial, TrialWish wish, CancellationToken cancellationToken)
    {
        var found = stored.State.Find(trial)
            ?? throw new ExperimentRefusedException($"'{stored.Name}' has no trial '{trial}'.");
        if (!found.IsActive)
        {
            throw new ExperimentRefusedException($"The trial '{trial}' has ended already: {found.Status}.");
        }

        await store.WantAsync(stored.Id, found.Number, wish, cancellationToken);
    }

    /// <summary>Forgets an experiment that no process works on, with all that its trials have left.</summary>
    /// <exception cref="ExperimentRefusedException">A process works on it.</exception>
    public async Task DeleteAsync(ExperimentStore store, StoredExperiment stored, CancellationToken cancellationToken)
    {
        var folder = location.FolderOf(stored.Namespace, stored.Name);
        using (await LockAsync(store, stored.Namespace, stored.Name, cancellationToken))
        {
            await using var runner = RunnerOf(store, stored, folder);
            await ForgetAsync(store, runner, stored, folder, cancellationToken);
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>What the trials of an experiment in the store are run as; null when it is not there.</summary>
    public async Task<RunnerKind?> FindRunnerAsync(string @namespace, string name, CancellationToken cancellationToken)
    {
        if (!location.Database.Exists)
        {
            return null;
        }

        await using var store = await ExperimentStore.OpenExistingAsync(location, time, cancellationToken);
        return (await store.FindAsync(@namespace, name, cancellationToken))?.Runner;
    }

    /// <summary>The service that says when trials are to be ended early, asked whether it accepts the settings; null where there is none.</summary>
    private async Task<StoppingClient?> OpenStoppingAsync(
        ExperimentSpec spec,
        ExperimentStore store,
        Func<string, CancellationToken, Task<Uri>> findService,
        CancellationToken cancellationToken)
    {
        if (spec.EarlyStopping is not { Name: var rule })
        {
            return null;
        }

        var push = Push ?? throw new InvalidOperationException("An early stopping service has nowhere to read observations.");
        var client = new StoppingClient(
            await findService(rule, cancellationToken), push.ManagerAddress, PushToken.OfReader(store.Secret, spec.Namespace, spec.Name), time);
        try
        {
            await client.ValidateAsync(spec, cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private static LineParser Parser(TrialJob job) => new(new(job.Collector, job.MetricNames));

    /// <summary>The runner that an experiment was begun with.</summary>
    private ITrialRunner RunnerOf(ExperimentStore store, StoredExperiment stored, string folder) => stored.Runner.Create(
        new(store.Id, stored.Namespace, stored.Name, folder, stored.Folder, Gpus: [])
        {
            Template = ExperimentYaml.Parse(stored.Manifest).Spec?.Template ?? TrialTemplate.Unknown,
        },
        Parser,
        new Progress<string>(),
        time);

    private static async Task ThrowIfNotRunnableAsync(
        ExperimentSpec spec, ITrialRunner runner, CancellationToken cancellationToken)
    {
        var problems = await runner.CheckAsync(spec.Template, spec.MetricsCollector, cancellationToken);
        if (!problems.IsEmpty)
        {
            throw new ExperimentRefusedException(
                string.Join('\n', problems.Select(static p => $"spec.{p.Field} '{p.Value}': {p.Message}")))
            {
                Problems = problems,
            };
        }
    }

    private static void ThrowIfEnded(StoredExperiment stored)
    {
        if (stored.State.Outcome is { Reason: var reason })
        {
            throw new ExperimentRefusedException(
                $"'{stored.Name}' has ended with {reason}; hand it in again with larger budgets, and it goes on if its resumePolicy allows it.");
        }
    }

    /// <summary>Another runner does not know what runs already.</summary>
    private static void ThrowIfBegunElsewhere(StoredExperiment? stored, RunnerKind runner)
    {
        if (stored is not null && stored.Runner != runner)
        {
            var name = stored.Runner.ToString().ToLowerInvariant();
            throw new ExperimentRefusedException(
                $"The experiment '{stored.Name}' was begun with --runner {name}; go on with that, "
                + "or start anew with --fresh.");
        }
    }

    /// <summary>
    /// Deletes what trials have left, also those of an experiment that the store no longer knows: a runner would take
    /// their folders for its own trials'. The row goes last, and the lock's own file stays: it is held.
    /// </summary>
    private static async Task ForgetAsync(
        ExperimentStore store, ITrialRunner runner, StoredExperiment? stored, string folder, CancellationToken cancellationToken)
    {
        await runner.SweepAsync(sparesKept: false, cancellationToken);
        foreach (var trial in Directory.EnumerateDirectories(folder))
        {
            Directory.Delete(trial, recursive: true);
        }

        if (stored is not null)
        {
            await store.DeleteAsync(stored.Id, cancellationToken);
        }
    }

    /// <summary>What an earlier run has left is gone on with, restarted or refused.</summary>
    private StoredExperiment Admit(StoredExperiment stored, ExperimentSpec spec)
    {
        var outcome = stored.State.Outcome;
        var isOutOfTime = outcome == Outcome.MaxDurationReached && !(spec.Policy.MaxDuration <= stored.State.Worked);
        switch (ExperimentChange.Between(JsonNode.Parse(stored.Manifest)!.AsObject(), spec.Manifest))
        {
            case ExperimentChange.Other(var changes, var more):
                throw new ExperimentRefusedException(
                    $"The experiment '{spec.Name}' is in the store with another content:\n"
                    + string.Concat(changes.Select(static c => $"  {c}\n"))
                    + (more > 0 ? $"  and {more} more\n" : "")
                    + "Only parallelTrialCount, maxTrialCount and maxFailedTrialCount may change. "
                    + "Give the file another metadata.name, or start anew with --fresh.");

            // How many run at once says nothing about whether a finished experiment is to go on.
            case ExperimentChange.Budgets(var budgets) when isOutOfTime || budgets.Any(static c => c.Path is "spec.maxTrialCount"):
            case ExperimentChange.None when isOutOfTime:
                var trials = stored.State.Trials.Length;
                if (BudgetRule.Refusal(outcome?.Reason, spec.ResumePolicy, trials, spec.MaxTrialCount) is { } refusal)
                {
                    throw new ExperimentRefusedException($"{refusal} Or start anew with --fresh.");
                }

                return outcome is null ? stored : stored with
                {
                    State = stored.State with
                    {
                        Outcome = null,
                        EndedAt = null,
                        Conditions = stored.State.Conditions.Restart(time.GetUtcNow()),
                    },
                };
            default:
                return stored;
        }
    }

    /// <summary>Two locks: one on what trials leave on this machine, one that every user of a shared database sees.</summary>
    private async Task<ExperimentLock> LockAsync(
        ExperimentStore store, string @namespace, string name, CancellationToken cancellationToken)
    {
        var folder = location.FolderOf(@namespace, name);
        var begun = time.GetTimestamp();
        ExperimentLock? taken;
        while ((taken = ExperimentLock.TryTake(folder)) is null || !await store.TryHoldAsync(@namespace, name, cancellationToken))
        {
            taken?.Dispose();
            if (time.GetElapsedTime(begun) > LockPatience)
            {
                throw new ExperimentRefusedException(
                    $"'{name}' is being run by another process; watch it with `katib status {name}`, or stop that one first.");
            }

            await Task.Delay(LockPatience / 10, time, cancellationToken);
        }

        return taken;
    }

    /// <summary>What a runner has to say, as a step of the experiment.</summary>
    private sealed class RunnerSteps(IProgress<ExperimentStep> steps) : IProgress<string>
    {
        public void Report(string value) => steps.Report(new(value));
    }

    /// <summary>Connects the runner's lines with the metrics' parser.</summary>
    private sealed class LineParser(MetricsParser parser) : ILineParser
    {
        public ImmutableArray<MetricPoint> Parse(string line) => parser.Parse(line);

        public string? WhyMissing(string metric) => parser.WhyMissing(metric);
    }
}
