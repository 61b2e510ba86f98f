using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Katib.Hosting.Tests;

/// <summary>A native service in a container with the limits that Katib gives one.</summary>
internal sealed class ContainedService : IAsyncDisposable
{
    private const string Image = "mcr.microsoft.com/dotnet/runtime-deps:10.0";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _id;

    private ContainedService(string id, int port)
    {
        _id = id;
        Channel = GrpcChannel.ForAddress(
            string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"),
            new() { MaxSendMessageSize = null });
    }

    public GrpcChannel Channel { get; }

    /// <summary>Why there is none here; null where there is.</summary>
    public static async Task<string?> MissingAsync() =>
        NativeServices.Missing is { } missing ? missing
        : await TryDockerAsync("image", "inspect", Image) is null ? $"There is no Docker with the image {Image}."
        : null;

    /// <summary>Starts a service with half a processor and 100 MiB, and waits until it serves.</summary>
    public static async Task<ContainedService> StartAsync(NativeServices services, string name, CancellationToken cancellationToken)
    {
        var id = await DockerAsync(
            "run", "--detach", "--cpus", "0.5", "--memory", "100m", "--memory-swap", "100m", "--read-only",
            "--user", "65532", "--publish", "127.0.0.1::6789", "--volume", $"{services.FolderOf(name)}:/service:ro",
            Image, $"/service/Katib.Suggestion.{name}");
        var port = await DockerAsync("port", id, "6789");
        var service = new ContainedService(id, int.Parse(port.Split('\n')[0].Split(':')[^1], CultureInfo.InvariantCulture));
        var health = new Health.HealthClient(service.Channel);
        var deadline = (TimeProvider.System.GetUtcNow() + Patience).UtcDateTime;
        while (true)
        {
            try
            {
                _ = await health.CheckAsync(new(), deadline: deadline, cancellationToken: cancellationToken);
                return service;
            }
            catch (RpcException notYet) when (notYet.StatusCode is StatusCode.Unavailable)
            {
                // Docker takes connections to a published port before anything listens behind it, and drops them.
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
            catch (RpcException never)
            {
                var said = await DockerAsync("logs", id);
                await service.DisposeAsync();
                throw new TimeoutException(
                    $"Waited {Patience.TotalSeconds} s for {name} to serve in its container: {said}", never);
            }
        }
    }

    /// <summary>Whether the container still runs as it was started, and what the kernel says of its memory.</summary>
    public async Task<string> StateAsync() =>
        await DockerAsync("inspect", "--format", "{{.State.Status}}, restarts {{.RestartCount}}, OOM {{.State.OOMKilled}}", _id);

    /// <summary>A number of /proc/1/status: VmRSS and VmHWM in KiB, Threads.</summary>
    public async Task<int> StatusAsync(string field)
    {
        var status = await DockerAsync("exec", _id, "cat", "/proc/1/status");
        var line = status.Split('\n').Single(l => l.StartsWith($"{field}:", StringComparison.Ordinal));
        return int.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _ = await DockerAsync("rm", "--force", _id);
    }

    private static async Task<string> DockerAsync(params string[] arguments) =>
        await TryDockerAsync(arguments)
            ?? throw new InvalidOperationException($"docker {string.Join(' ', arguments)} has failed.");

    private static async Task<string?> TryDockerAsync(params string[] arguments)
    {
        try
        {
            using var docker = Process.Start(new ProcessStartInfo("docker", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var error = docker.StandardError.ReadToEndAsync();
            var output = await docker.StandardOutput.ReadToEndAsync();
            _ = await error;
            await docker.WaitForExitAsync();
            return docker.ExitCode is 0 ? output.Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
