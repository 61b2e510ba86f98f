using System.Net;
using System.Net.Sockets;
using Katib.Cli.Commands;
using Katib.Cli.Rendering;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Pushing;
using Katib.Coordinator.Runners.Docker;
using Katib.Coordinator.Suggesting;
using Katib.Telemetry;
using Microsoft.AspNetCore.Builder;

namespace Katib.Cli;

/// <summary>One <c>katib run</c>: from the file to the printed result.</summary>
internal sealed class ExperimentRun(RunOptions options, TelemetryPipeline telemetry, TimeProvider time) : IAsyncDisposable
{
    private readonly List<WebApplication> _services = [];

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
            await using var push = spec.NeedsPush ? await ListenAsync(spec, manifest.Runner, cancellationToken) : null;
            var stored = await new ExperimentSession(options.Store, time) { Push = push }.RunAsync(
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
        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }
    }

    /// <summary>Listens for what the trials push: on this machine alone, and where they are containers, on their network.</summary>
    private async Task<PushServer> ListenAsync(ExperimentSpec spec, RunnerKind runner, CancellationToken cancellationToken)
    {
        var local = PushOptions.Local(
            Path.Combine(options.Store.FolderOf(spec.Namespace, spec.Name), "push.ports"), options.AllowsAnonymousPush);
        var seen = runner switch
        {
            RunnerKind.Docker => await DockerHostName.FindAddressAsync(time, cancellationToken),
            RunnerKind.Kubernetes when options.PushAddress is null && spec.MetricsCollector.TakesPushes => throw new UserException(
                "The pods of a cluster cannot know this machine: name the address under which they reach it with --push-address."),
            RunnerKind.Kubernetes => options.PushAddress,
            _ => null,
        };
        var heard = seen is null ? local : local with { Addresses = [.. local.Addresses, seen] };
        return await PushServer.StartAsync(
            runner is RunnerKind.Kubernetes && seen is not null ? heard with { Host = HostOf(seen) } : heard,
            options.Store,
            isOperator: null,
            telemetry.AddTo,
            time,
            cancellationToken);
    }

    /// <summary>As it stands in a URL.</summary>
    private static string HostOf(IPAddress address) =>
        address.AddressFamily is AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    /// <summary>The service that the user named, or one of our own on a free loopback port.</summary>
    private async Task<Uri> FindServiceAsync(string algorithm, CancellationToken cancellationToken)
    {
        if (options.Endpoints.TryGetValue(algorithm, out var given))
        {
            return given;
        }

        var (service, endpoint) = await Algorithms.ServeAsync(algorithm, telemetry.AddTo, cancellationToken);
        _services.Add(service);
        return endpoint;
    }
}
