using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Cli.Commands;
using Katib.Cli.Rendering;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Local;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;

namespace Katib.Cli;

/// <summary>One <c>katib run</c>: file, store, algorithm service, loop and result.</summary>
internal sealed class ExperimentRun(RunOptions options, TimeProvider time)
{
    /// <summary>A look at the lock by <c>katib status</c> takes no longer.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs the experiment, or goes on with it, and prints the result.</summary>
    /// <returns>The exit code, see <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var manifest = ManifestFile.Read(options.File, options.Endpoints);
        manifest.PrintFindings(Console.Error);
        if (manifest.Spec is null)
        {
            return ExitCodes.Usage;
        }

        var spec = WithBudgets(manifest.Spec);
        var folder = options.Store.FolderOf(spec.Namespace, spec.Name);
        using var held = await LockAsync(folder, spec.Name, cancellationToken);
        using var store = ExperimentStore.Open(options.Store.File);
        await using var runner = new ProcessRunner(
            new(folder, manifest.Folder, options.Gpus),
            static job => new LineParser(new(job.Collector, job.MetricNames)),
            time);
        try
        {
            return await RunAsync(manifest, spec, store, runner, cancellationToken);
        }
        catch (SuggestionRefusedException refusal)
        {
            await Console.Error.WriteLineAsync($"{manifest.Name}: {refusal.Message}");
            return ExitCodes.Usage;
        }
        catch (SuggestionUnavailableException unavailable)
        {
            await Console.Error.WriteLineAsync($"{unavailable.Message} Nothing is lost: the same command goes on.");
            return ExitCodes.Failure;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped; the same command goes on from here.");
            return ExitCodes.Interrupted;
        }
        finally
        {
            await runner.SweepAsync(CancellationToken.None);
        }
    }

    private async Task<int> RunAsync(
        ManifestFile manifest, ExperimentSpec spec, ExperimentStore store, ProcessRunner runner, CancellationToken cancellationToken)
    {
        var stored = store.Read(spec.Namespace, spec.Name);
        if (stored is not null && options.Fresh)
        {
            await runner.SweepAsync(cancellationToken);
            DeleteCommand.Forget(store, options.Store, stored);
            stored = null;
        }

        stored = stored is null ? null : Admit(stored, spec, store);
        if (stored?.State is not { Outcome: { } known } || stored.State.Trials.Any(static t => t.IsActive))
        {
            foreach (var note in manifest.Notes)
            {
                await Console.Error.WriteLineAsync(note);
            }

            (stored, known) = await FinishAsync(manifest, spec, stored, store, runner, cancellationToken);
        }

        Print(spec, stored.State);
        return known.Succeeded ? ExitCodes.Success : ExitCodes.Failure;
    }

    private async Task<(StoredExperiment Stored, Outcome Outcome)> FinishAsync(
        ManifestFile manifest,
        ExperimentSpec spec,
        StoredExperiment? stored,
        ExperimentStore store,
        ProcessRunner runner,
        CancellationToken cancellationToken)
    {
        var name = spec.Algorithm.Name;
        var (service, endpoint) = options.Endpoints.TryGetValue(name, out var given)
            ? (null, given)
            : await Algorithms.ServeAsync(name, cancellationToken);
        await using (service)
        {
            using var suggestions = new SuggestionClient(endpoint, time);
            await suggestions.ValidateAsync(spec, cancellationToken);
            var now = time.GetUtcNow();
            stored ??= store.Create(spec, manifest.Folder, new([], now, EndedAt: null, Conditions.Begin(now), []));
            var display = new RunDisplay(spec, options.Json, time);
            var loop = new ExperimentLoop(spec, stored, store, suggestions, runner, display, time);
            var outcome = await display.ShowAsync(loop, cancellationToken);
            return (stored with { State = loop.State }, outcome);
        }
    }

    /// <summary>What an earlier run has left is gone on with, restarted or refused.</summary>
    private StoredExperiment Admit(StoredExperiment stored, ExperimentSpec spec, ExperimentStore store)
    {
        switch (ExperimentChange.Between(JsonNode.Parse(stored.Manifest)!.AsObject(), spec.Manifest))
        {
            case ExperimentChange.None:
                return stored;
            case ExperimentChange.Other(var changes, var more):
                throw new UserException(
                    $"The experiment '{spec.Name}' is in the store with another content:\n"
                    + string.Concat(changes.Select(static c => $"  {c}\n"))
                    + (more > 0 ? $"  and {more} more\n" : "")
                    + "Only parallelTrialCount, maxTrialCount and maxFailedTrialCount may change. "
                    + "Give the file another metadata.name, or start anew with --fresh.");
            default:
                break;
        }

        var trials = stored.State.Trials.Length;
        if (BudgetRule.Refusal(stored.State.Outcome?.Reason, spec.ResumePolicy, trials, spec.MaxTrialCount) is { } refusal)
        {
            throw new UserException($"{refusal} Or start anew with --fresh.");
        }

        store.SaveManifest(stored.Id, spec);
        if (stored.State.Outcome is null)
        {
            return stored;
        }

        var restarted = stored.State with
        {
            Outcome = null, EndedAt = null, Conditions = stored.State.Conditions.Restart(time.GetUtcNow()),
        };
        store.Save(stored.Id, restarted);
        return stored with { State = restarted };
    }

    /// <summary>The budgets of the command line; as many trials at once as there are devices.</summary>
    private ExperimentSpec WithBudgets(ExperimentSpec spec)
    {
        if (options.Parallel is null && options.MaxTrials is null && options.Gpus.IsEmpty)
        {
            return spec;
        }

        var manifest = spec.Manifest.DeepClone().AsObject();
        var fields = manifest["spec"]!.AsObject();
        fields["maxTrialCount"] = JsonValue.Create(options.MaxTrials ?? spec.MaxTrialCount);
        var parallel = options.Parallel ?? spec.ParallelTrialCount;
        fields["parallelTrialCount"] = options.Gpus.IsEmpty ? parallel : Math.Min(parallel, options.Gpus.Length);
        var parsed = ExperimentYaml.Parse(manifest.ToJsonString());
        return parsed.Spec
            ?? throw new UserException(string.Join('\n', parsed.Problems.Select(p => $"{p.Path} '{p.Value}': {p.Message}")));
    }

    private async Task<ExperimentLock> LockAsync(string folder, string name, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            if (ExperimentLock.TryTake(folder) is { } taken)
            {
                return taken;
            }

            if (time.GetElapsedTime(begun) > LockPatience)
            {
                throw new UserException(
                    $"'{name}' is being run by another process; watch it with `katib status {name}`, or stop that one first.");
            }

            await Task.Delay(LockPatience / 10, time, cancellationToken);
        }
    }

    private void Print(ExperimentSpec spec, ExperimentState state)
    {
        if (options.Json)
        {
            Console.Out.WriteLine(StatusJson.OfExperiment(spec, state).ToJsonString());
            return;
        }

        var outcome = state.Outcome!;
        var ended = state.Trials.Count(static t => !t.IsActive);
        var failed = state.Trials.Count(static t => t.IsFailed);
        Console.Out.WriteLine(outcome.Message);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{ended} trials in {ExperimentView.Text(state.EndedAt!.Value - state.StartedAt)}, {failed} of them failed"));
        Console.Out.WriteLine($"best: {ExperimentView.BestLine(spec, state)}");
    }

    /// <summary>Connects the runner's lines with the metrics' parser.</summary>
    private sealed class LineParser(MetricsParser parser) : ILineParser
    {
        public System.Collections.Immutable.ImmutableArray<MetricPoint> Parse(string line) => parser.Parse(line);
    }
}
