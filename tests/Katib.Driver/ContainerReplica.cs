using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Katib.Driver;

/// <summary>
/// A service in a container as Katib and docker-compose.yml run it: 0.5 CPU, 100 MiB, nothing to write to, no rights. Its
/// port is published on loopback. What it says of its memory and start is read from this machine's /proc: Linux only.
/// </summary>
public sealed class ContainerReplica : IReplica, IAsyncDisposable
{
    private const string Port = "6789";

    /// <summary>Ticks of a second in /proc/PID/stat, the same on all machines that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(2);

    private readonly string _container;

    private ContainerReplica(string container, Uri address) => (_container, Address) = (container, address);

    /// <inheritdoc/>
    public Uri Address { get; }

    /// <summary>From the start of the process, before it becomes the service, to the first SERVING. To 10 ms.</summary>
    public TimeSpan TimeToServing { get; private set; }

    /// <summary>Starts a container and waits until it serves.</summary>
    public static async Task<ContainerReplica> StartAsync(string image, CancellationToken cancellationToken)
    {
        var port = FreePort();
        var container = await DockerCommand.RunAsync(
            cancellationToken,
            "create", "--cpus=0.5", "--memory=100m", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
            $"--env=PORT={Port}", $"--publish=127.0.0.1:{port}:{Port}", image);
        var replica = new ContainerReplica(container, new($"http://127.0.0.1:{port}"));
        try
        {
            _ = await DockerCommand.RunAsync(cancellationToken, "start", container);

            // Not by the published port: docker takes a connection before the container is there, and then knocks once a second.
            var host = await replica.InspectAsync(".NetworkSettings.IPAddress", cancellationToken);
            var serving = await replica.ServingAsync(new($"http://{host}:{Port}"), cancellationToken);
            replica.TimeToServing = serving - await replica.ProcessStartAsync(cancellationToken);
            return replica;
        }
        catch
        {
            await replica.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        _ = await DockerCommand.RunAsync(cancellationToken, "kill", _container);
        _ = await DockerCommand.RunAsync(cancellationToken, "start", _container);
        _ = await ServingAsync(Address, cancellationToken);
    }

    /// <summary>One field of what docker says of the container, as a Go template, for instance <c>.State.OOMKilled</c>.</summary>
    public Task<string> InspectAsync(string field, CancellationToken cancellationToken) =>
        DockerCommand.RunAsync(cancellationToken, "inspect", "--format", $"{{{{{field}}}}}", _container);

    /// <summary>The most memory that the container ever had, pages of its files included, in MiB.</summary>
    public async Task<double> PeakMebibytesAsync(CancellationToken cancellationToken)
    {
        var groups = await File.ReadAllLinesAsync($"/proc/{await ProcessIdAsync(cancellationToken)}/cgroup", cancellationToken);
        var memory = groups.SingleOrDefault(static g => g.Contains(":memory:", StringComparison.Ordinal));
        var file = memory is not null
            ? $"/sys/fs/cgroup/memory{memory.Split(':')[2]}/memory.max_usage_in_bytes"
            : $"/sys/fs/cgroup{groups.Single().Split(':')[2]}/memory.peak";
        var bytes = await File.ReadAllTextAsync(file, cancellationToken);
        return double.Parse(bytes, CultureInfo.InvariantCulture) / 1024 / 1024;
    }

    /// <summary>The memory that the process has resident now, in MiB.</summary>
    public async Task<double> ResidentMebibytesAsync(CancellationToken cancellationToken)
    {
        var status = await File.ReadAllLinesAsync(
            $"/proc/{await ProcessIdAsync(cancellationToken)}/status", cancellationToken);
        var line = status.Single(static l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>Removes the container.</summary>
    public async ValueTask DisposeAsync() =>
        _ = await DockerCommand.RunAsync(CancellationToken.None, "rm", "--force", "--volumes", _container);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits for the first SERVING.</summary>
    /// <returns>When that was, since this machine has started.</returns>
    private async Task<TimeSpan> ServingAsync(Uri address, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);

        // By default a refused connection is tried again after a second.
        using var channel = GrpcChannel.ForAddress(
            address, new() { InitialReconnectBackoff = Poll, MaxReconnectBackoff = Poll });
        var health = new Health.HealthClient(channel);
        while (true)
        {
            try
            {
                var reply = await health.CheckAsync(new(), cancellationToken: patience.Token);
                if (reply.Status is HealthCheckResponse.Types.ServingStatus.Serving)
                {
                    var uptime = await File.ReadAllTextAsync("/proc/uptime", cancellationToken);
                    return TimeSpan.FromSeconds(double.Parse(uptime.Split(' ')[0], CultureInfo.InvariantCulture));
                }
            }
            catch (RpcException) when (!patience.IsCancellationRequested)
            {
                // Nobody listens yet.
            }
            catch (RpcException unreachable)
            {
                throw new TimeoutException(
                    $"Waited {Patience.TotalSeconds} s for the container {_container} to serve.", unreachable);
            }

            await Task.Delay(Poll, CancellationToken.None);
        }
    }

    private async Task<TimeSpan> ProcessStartAsync(CancellationToken cancellationToken)
    {
        var stat = await File.ReadAllTextAsync($"/proc/{await ProcessIdAsync(cancellationToken)}/stat", cancellationToken);

        // The second field is the name of the program in brackets, which may contain blanks; the start is field 22.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds(double.Parse(fields[22 - 3], CultureInfo.InvariantCulture) / TicksPerSecond);
    }

    private Task<string> ProcessIdAsync(CancellationToken cancellationToken) => InspectAsync(".State.Pid", cancellationToken);
}
