using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Katib.Driver;

/// <summary>A service in a process of its own, which listens on a free port given with <c>--port</c>.</summary>
public sealed class ProcessReplica : IReplica, IAsyncDisposable
{
    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(60);

    private readonly string _program;
    private readonly string[] _arguments;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly TimeSpan _patience;
    private readonly List<string> _output = [];
    private Process _process;
    private int _port;

    private ProcessReplica(
        string program, string[] arguments, IReadOnlyDictionary<string, string> environment, TimeSpan patience)
    {
        (_program, _arguments, _environment, _patience) = (program, arguments, environment, patience);
        _process = Start();
    }

    /// <inheritdoc/>
    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}"));

    /// <summary>The process that runs now.</summary>
    public Process Process => _process;

    /// <summary>What the processes have written so far, both streams.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return string.Join('\n', _output);
            }
        }
    }

    /// <summary>Starts the program and waits until it serves.</summary>
    public static Task<ProcessReplica> StartAsync(
        string program,
        string[] arguments,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken) =>
        StartAsync(program, arguments, environment, UsualPatience, cancellationToken);

    /// <summary>Starts a program that may take its time and waits until it serves.</summary>
    public static async Task<ProcessReplica> StartAsync(
        string program,
        string[] arguments,
        IReadOnlyDictionary<string, string> environment,
        TimeSpan patience,
        CancellationToken cancellationToken)
    {
        var replica = new ProcessReplica(program, arguments, environment, patience);
        try
        {
            await replica.UntilServingAsync(cancellationToken);
            return replica;
        }
        catch
        {
            await replica.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks the process to stop, as Kubernetes does, and waits for it.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        var id = _process.Id.ToString(CultureInfo.InvariantCulture);
        using var signal = Process.Start("sh", ["-c", $"kill -TERM {id}"]);
        await WaitAsync(_process.WaitForExitAsync, "the service to stop on SIGTERM", cancellationToken);
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await KillAsync();
        _process = Start();
        await UntilServingAsync(cancellationToken);
    }

    /// <summary>Kills the process.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private Process Start()
    {
        _port = FreePort();
        var start = new ProcessStartInfo(
            _program, [.. _arguments, "--port", _port.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in _environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException($"Could not start {_program}.");
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.Add(line.Data ?? "");
        }
    }

    private Task UntilServingAsync(CancellationToken cancellationToken) => WaitAsync(
        async token =>
        {
            using var channel = GrpcChannel.ForAddress(Address);
            var options = new CallOptions(cancellationToken: token).WithWaitForReady();
            var call = new Health.HealthClient(channel).CheckAsync(new(), options).ResponseAsync;

            // A process that ends at once will never serve.
            if (await Task.WhenAny(call, _process.WaitForExitAsync(token)) != call && _process.HasExited)
            {
                throw new InvalidOperationException($"{_program} has ended with {_process.ExitCode}: {Output}");
            }

            _ = await call;
        },
        $"{_program} to serve",
        cancellationToken);

    private async Task WaitAsync(Func<CancellationToken, Task> wait, string what, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_patience);
        try
        {
            await wait(patience.Token);
        }
        catch (Exception gaveUp) when (gaveUp is OperationCanceledException or RpcException)
        {
            throw new TimeoutException($"Waited {_patience.TotalSeconds} s for {what}. Its output: {Output}", gaveUp);
        }
    }

    private async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }
}
