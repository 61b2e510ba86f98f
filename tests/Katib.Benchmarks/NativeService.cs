using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Wire = Api.V1.Beta1;

namespace Katib.Benchmarks;

/// <summary>One running service binary, with a channel to it.</summary>
internal sealed class NativeService : IDisposable
{
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly GrpcChannel _channel;

    private NativeService(Process process, GrpcChannel channel, Uri endpoint)
    {
        _process = process;
        _channel = channel;
        Endpoint = endpoint;
        Health = new(channel);
        Suggestion = new(channel);
    }

    public Uri Endpoint { get; }

    public Health.HealthClient Health { get; }

    public Wire.Suggestion.SuggestionClient Suggestion { get; }

    /// <summary>From the start of the process to the first SERVING, in milliseconds.</summary>
    public double StartMilliseconds { get; private set; }

    /// <summary>The processor time that it has taken since its start.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<NativeService> StartAsync(string program)
    {
        var port = FreePort().ToString(CultureInfo.InvariantCulture);
        var endpoint = new Uri($"http://127.0.0.1:{port}");
        var channel = GrpcChannel.ForAddress(endpoint, new()
        {
            MaxSendMessageSize = MaxMessageBytes,
            MaxReceiveMessageSize = MaxMessageBytes,

            // By default a refused connection is tried again after a second.
            InitialReconnectBackoff = Poll,
            MaxReconnectBackoff = Poll,
        });
        var begun = Stopwatch.GetTimestamp();
        var service = new NativeService(Programs.StartQuietly(program, "--port", port), channel, endpoint);
        while (!await service.IsServingAsync())
        {
            if (service._process.HasExited || Stopwatch.GetElapsedTime(begun) > Patience)
            {
                service.Dispose();
                throw new InvalidOperationException($"{program} does not serve.");
            }

            await Task.Delay(Poll);
        }

        service.StartMilliseconds = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        return service;
    }

    /// <summary>A number of /proc/PID/status: VmRSS and VmHWM in KiB, Threads.</summary>
    public async Task<double> StatusAsync(string field)
    {
        var lines = await File.ReadAllLinesAsync($"/proc/{_process.Id}/status");
        var line = lines.Single(l => l.StartsWith($"{field}:", StringComparison.Ordinal));
        return double.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _channel.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private async Task<bool> IsServingAsync()
    {
        try
        {
            var reply = await Health.CheckAsync(new() { Service = "manager.v1beta1.Suggestion" });
            return reply.Status is HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
