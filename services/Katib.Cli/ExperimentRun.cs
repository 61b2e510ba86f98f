using Katib.Cli.Commands;
using Katib.Cli.Rendering;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Suggesting;
using Katib.Telemetry;
using Microsoft.AspNetCore.Builder;

namespace Katib.Cli;

/// <summary>One <c>katib run</c>: from the file to the printed result.</summary>
internal sealed class ExperimentRun(RunOptions options, TelemetryPipeline telemetry, TimeProvider time) : IAsyncDisposable
{
    private WebApplication? _service;

    /// <summary>Runs the experiment, or goes on with it, and prints the result.</summary>
    /// <returns>The exit code, see <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var session = new ExperimentSession(options.Store, time);
        var manifest = await ManifestFile.ReadAsync(options.File, FindRunnerAsync, options.Endpoints);
        manifest.PrintFindings(Console.Error);
        if (manifest.Spec is null)
        {
            return ExitCodes.Usage;
        }

        foreach (var note in manifest.Notes)
        {
            await Console.Error.WriteLineAsync(note);
        }

        var spec = options.Budgets.ApplyTo(manifest.Spec);
        var display = new RunDisplay(spec, options.Json, telemetry.Loggers.CreateLogger("Katib.Cli"), time);
        try
        {
            var stored = await session.RunAsync(
                new(spec, manifest.Folder, options.Gpus, options.Fresh) { Runner = manifest.Runner },
                FindServiceAsync,
                (loop, token) => display.ShowAsync(loop.RunAsync(token), () => new(loop.Spec, loop.State, loop.Trouble)),
                display,
                cancellationToken);
            return RunResult.Print(spec, stored.State, options.Json);
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
        async Task<RunnerKind> FindRunnerAsync(ExperimentSpec found) => options.Runner
            ?? (options.Fresh ? null : await session.FindRunnerAsync(found.Namespace, found.Name, cancellationToken))
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

        (_service, var endpoint) = await Algorithms.ServeAsync(algorithm, telemetry.AddTo, cancellationToken);
        return endpoint;
    }
}
