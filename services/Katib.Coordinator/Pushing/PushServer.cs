using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Katib.Coordinator.Pushing;

/// <summary>Where trials report to.</summary>
/// <param name="Addresses">What is listened on.</param>
/// <param name="Host">What trials are told; empty to tell each the name under which this machine is reached from where it runs.</param>
/// <param name="HttpPort">The port of the short form over HTTP; 0 for a free one, the same again after a restart.</param>
/// <param name="GrpcPort">The port of Katib's DBManager contract; 0 likewise.</param>
/// <param name="PortsFile">Where the free ports are remembered: trials outlive the process that has started them.</param>
/// <param name="AllowAnonymous">Whether a call without a token may do everything, as in Katib.</param>
public sealed record PushOptions(
    ImmutableArray<IPAddress> Addresses, string Host, int HttpPort, int GrpcPort, string PortsFile, bool AllowAnonymous)
{
    /// <summary>On this machine alone.</summary>
    public static PushOptions Local(string portsFile, bool allowAnonymous) =>
        new([IPAddress.Loopback], "", 0, 0, portsFile, allowAnonymous);
}

/// <summary>Serves trials that report by themselves: Katib's DBManager contract by gRPC, and its short form over HTTP.</summary>
public sealed class PushServer : IAsyncDisposable
{
    /// <summary>Names the address to POST to, in a trial's environment.</summary>
    public const string UrlVariable = "KATIB_PUSH_URL";

    /// <summary>Names the trial's token.</summary>
    public const string TokenVariable = "KATIB_PUSH_TOKEN";

    /// <summary>Names the HOST:PORT of Katib's DBManager contract.</summary>
    public const string ManagerVariable = "KATIB_DB_MANAGER_ADDRESS";

    private const int MaxMessageBytes = 16 * 1024 * 1024;

    private readonly WebApplication _app;
    private readonly PushOptions _options;

    private PushServer(WebApplication app, PushDesk desk, PushOptions options) => (_app, Desk, _options) = (app, desk, options);

    /// <summary>Who may do what.</summary>
    internal PushDesk Desk { get; }

    /// <summary>Begins to listen.</summary>
    /// <param name="options">Where.</param>
    /// <param name="location">The store that observations are read from.</param>
    /// <param name="isOperator">Whether a token is that of an operator, who may do everything; null where there is none.</param>
    /// <param name="log">Where it logs to.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="IOException">A port that was asked for is taken.</exception>
    public static async Task<PushServer> StartAsync(
        PushOptions options,
        StoreLocation location,
        Func<string, bool>? isOperator,
        Action<ILoggingBuilder> log,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var desk = new PushDesk(location, isOperator, options.AllowAnonymous, time);
        var (http, grpc) = PortsOf(options);
        try
        {
            return await StartAsync(options with { HttpPort = http, GrpcPort = grpc }, desk, log, time, cancellationToken);
        }
        catch (IOException) when (options.HttpPort is 0 || options.GrpcPort is 0)
        {
            // Another program has taken a port that was ours: the trials that were told of it are lost for us, later ones are not.
            return await StartAsync(
                options with { HttpPort = options.HttpPort is 0 ? FreePort() : http, GrpcPort = options.GrpcPort is 0 ? FreePort() : grpc },
                desk,
                log,
                time,
                cancellationToken);
        }
    }

    /// <summary>What a trial is told: where to report, and the token that speaks for it.</summary>
    internal ImmutableArray<KeyValuePair<string, string>> EnvironmentOf(
        string secret, string @namespace, TrialState trial, RunnerKind runner)
    {
        var host = HostFor(runner);
        return
        [
            new(UrlVariable, string.Create(CultureInfo.InvariantCulture, $"http://{host}:{_options.HttpPort}{PushApi.Path}")),
            new(TokenVariable, PushToken.OfTrial(secret, @namespace, trial)),
            new(ManagerVariable, string.Create(CultureInfo.InvariantCulture, $"{host}:{_options.GrpcPort}")),
        ];
    }

    /// <summary>The HOST:PORT of Katib's DBManager contract, for a program beside this one.</summary>
    internal string ManagerAddress => string.Create(CultureInfo.InvariantCulture, $"{HostFor(RunnerKind.Process)}:{_options.GrpcPort}");

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task<PushServer> StartAsync(
        PushOptions options, PushDesk desk, Action<ILoggingBuilder> log, TimeProvider time, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddFilter("Microsoft", LogLevel.Error).AddFilter("Grpc", LogLevel.Error);
        log(builder.Logging);
        builder.Services.AddSingleton(new ObservationService(desk));
        builder.Services.AddGrpc(static grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxMessageBytes;
            grpc.MaxSendMessageSize = null;
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = PushApi.MaxBodyBytes;
            foreach (var address in options.Addresses)
            {
                // Without TLS a port speaks one of the two.
                kestrel.Listen(address, options.HttpPort, static listen => listen.Protocols = HttpProtocols.Http1);
                kestrel.Listen(address, options.GrpcPort, static listen => listen.Protocols = HttpProtocols.Http2);
            }
        });
        var app = builder.Build();
        PushApi.Map(app, desk, time);
        app.MapGrpcService<ObservationService>();
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        Remember(options);
        return new(app, desk, options);
    }

    private string HostFor(RunnerKind runner) =>
        _options.Host.Length > 0 ? _options.Host
        : runner is RunnerKind.Docker ? Runners.Docker.DockerHostName.Value
        : IPAddress.Loopback.ToString();

    private static (int Http, int Grpc) PortsOf(PushOptions options)
    {
        var (http, grpc) = Remembered(options.PortsFile) ?? (FreePort(), FreePort());
        return (options.HttpPort is 0 ? http : options.HttpPort, options.GrpcPort is 0 ? grpc : options.GrpcPort);
    }

    private static (int Http, int Grpc)? Remembered(string file) =>
        File.Exists(file)
        && File.ReadAllText(file).Split(' ') is [var first, var second]
        && int.TryParse(first, CultureInfo.InvariantCulture, out var http)
        && int.TryParse(second, CultureInfo.InvariantCulture, out var grpc)
            ? (http, grpc)
            : null;

    private static void Remember(PushOptions options)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.PortsFile))!);
        File.WriteAllText(options.PortsFile, string.Create(CultureInfo.InvariantCulture, $"{options.HttpPort} {options.GrpcPort}"));
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
