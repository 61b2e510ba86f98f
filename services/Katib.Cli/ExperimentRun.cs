using System.Globalization;
using Katib.Cli.Commands;
using Katib.Cli.Rendering;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Suggesting;
using Microsoft.AspNetCore.Builder;

namespace Katib.Cli;

/// <summary>One <c>katib run</c>: from the file to the printed result.</summary>
internal sealed class ExperimentRun(RunOptions options, TimeProvider time) : IAsyncDisposable
{
    private WebApplication? _service;

    /// <summary>Runs the experiment, or goes on with it, and prints the result.</summary>
    /// <returns>The exit code, see <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var session = new ExperimentSession(options.Store, time);
        var manifest = ManifestFile.Read(options.File, RunnerOf, options.Endpoints);
        manifest.PrintFindings(Console.Error);
        if (manifest.Spec is null)
        {
            return ExitCodes.Usage;
        }

        foreach (var note in manifest.Notes)
        {
            await Console.Error.WriteLineAsync(note);
        }

        var spec = WithBudgets(manifest.Spec);
        var display = new RunDisplay(spec, options.Json, time);
        try
        {
            var stored = await session.RunAsync(
                new(spec, manifest.Folder, options.Gpus, options.Fresh) { Runner = manifest.Runner },
                FindServiceAsync,
                display.ShowAsync,
                display,
                cancellationToken);
            Print(spec, stored.State);
            return stored.State.Outcome!.Succeeded ? ExitCodes.Success : ExitCodes.Failure;
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

        // What was begun in containers goes on in containers.
        RunnerKind RunnerOf(ExperimentSpec found) => options.Runner
            ?? (options.Fresh ? null : session.FindRunner(found.Namespace, found.Name))
            ?? RunnerKind.Process;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
        {
            await _service.DisposeAsync();
        }
    }

    /// <summary>The service that the user named, or one of our own on a free loopback port.</summary>
    private async Task<Uri> FindServiceAsync(string algorithm, CancellationToken cancellationToken)
    {
        if (options.Endpoints.TryGetValue(algorithm, out var given))
        {
            return given;
        }

        (_service, var endpoint) = await Algorithms.ServeAsync(algorithm, cancellationToken);
        return endpoint;
    }

    /// <summary>The budgets of the command line; no more trials at once than there are devices.</summary>
    private ExperimentSpec WithBudgets(ExperimentSpec spec)
    {
        if (options.Parallel is null && options.MaxTrials is null && options.Gpus.IsEmpty)
        {
            return spec;
        }

        var manifest = spec.Manifest.DeepClone().AsObject();
        var fields = manifest["spec"]!.AsObject();
        if ((options.MaxTrials ?? spec.MaxTrialCount) is { } max)
        {
            fields["maxTrialCount"] = max;
        }

        var parallel = Math.Min(options.Parallel ?? spec.ParallelTrialCount, options.MaxTrials ?? int.MaxValue);
        fields["parallelTrialCount"] = options.Gpus.IsEmpty ? parallel : Math.Min(parallel, options.Gpus.Length);
        var parsed = ExperimentYaml.Parse(manifest.ToJsonString());
        return parsed.Spec
            ?? throw new UserException(string.Join('\n', parsed.Problems.Select(static p => $"{p.Path} '{p.Value}': {p.Message}")));
    }

    private void Print(ExperimentSpec spec, ExperimentState state)
    {
        if (options.Json)
        {
            Console.Out.WriteLine(StatusJson.OfExperiment(spec, state).ToJsonString());
            return;
        }

        var ended = state.Trials.Count(static t => !t.IsActive);
        var failed = state.Trials.Count(static t => t.IsFailed);
        Console.Out.WriteLine(state.Outcome!.Message);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{ended} trials in {ExperimentView.Text(state.EndedAt!.Value - state.StartedAt)}, {failed} of them failed"));
        Console.Out.WriteLine($"best: {ExperimentView.BestLine(spec, state)}");
    }
}
