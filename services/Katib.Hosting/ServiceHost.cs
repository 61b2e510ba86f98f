using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Grpc.Health.V1;
using Grpc.Reflection;
using Katib.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Katib.Hosting;

/// <summary>One of Katib's contracts, and what is served behind it.</summary>
/// <param name="Kind">What its services are called, as in <c>katib-KIND-NAME</c>.</param>
/// <param name="Name">The name of what is served, for telemetry.</param>
/// <param name="Descriptor">The gRPC service.</param>
/// <param name="DefaultPort">Katib's port for it.</param>
/// <param name="Summary">What it is, for the help text.</param>
/// <param name="Register">Adds what answers its calls.</param>
internal sealed record ServedContract(
    string Kind, string Name, ServiceDescriptor Descriptor, int DefaultPort, string Summary, Action<IServiceCollection> Register)
{
    /// <summary>The name that Katib's kubelet probe asks for.</summary>
    public string HealthName => $"manager.v1beta1.{Descriptor.Name}";
}

/// <summary>Serves whatever is behind one of Katib's contracts.</summary>
internal static class ServiceHost
{
    /// <summary>The longest message that is read where memory allows it: room for 100,000 trials of 10 parameters.</summary>
    public const int MaxMessageBytes = 64 * 1024 * 1024;

    /// <summary>What gRPC looks at of the class that answers calls.</summary>
    private const DynamicallyAccessedMemberTypes Handlers =
        DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods;

    private const int MaxStreams = 100;

    private const int StreamWindowBytes = 64 * 1024;

    /// <summary>More than any question about health or reflection has; these do not wait, so they must be small.</summary>
    private const int MaxQuestionBytes = 4 * 1024;

    private const string Usage = """
          --port N   the port to listen on, HTTP/2 (default: $PORT, or else Katib's, see above)
          --probe    ask the instance on that port for its health; exit code 0 when it serves
          --help     this text

        It speaks plaintext, as Katib does. With TLS_CERT_FILE and TLS_KEY_FILE (PEM) it speaks TLS, and with
        TLS_CLIENT_CA_FILE only to callers with a certificate of that authority. Changed files are read again.
        """;

    /// <summary>Runs a service process until SIGTERM, or probes one.</summary>
    /// <returns>The exit code: 0 for a clean stop or a healthy instance, 1 for an unhealthy one, 2 for wrong arguments.</returns>
    public static async Task<int> RunAsync<[DynamicallyAccessedMembers(Handlers)] TService>(string[] args, ServedContract contract)
        where TService : class
    {
        var usage = string.Create(
            CultureInfo.InvariantCulture,
            $"{contract.Summary}, behind Katib's gRPC contract {contract.Descriptor.FullName} on port {contract.DefaultPort}.\n\n{Usage}");
        if (args is ["--help"])
        {
            Console.WriteLine(usage);
            return 0;
        }

        var probe = args.Contains("--probe");
        if (!TryReadPort([.. args.Where(static a => a is not "--probe")], contract.DefaultPort, out var port, out var problem))
        {
            await Console.Error.WriteLineAsync($"{problem}\n\n{usage}");
            return 2;
        }

        try
        {
            var tls = TlsFiles.FromEnvironment();
            if (probe)
            {
                return await Probe.IsServingAsync(port, contract.HealthName, tls?.Parse(tls.ReadContent())) ? 0 : 1;
            }

            KeepThreadsFree();
            await using var telemetry = await TelemetryPipeline.StartAsync($"katib-{contract.Kind}-{contract.Name}", CancellationToken.None);
            await using var app = Build<TService>(
                contract,
                new(IPAddress.Any, port),
                new(),
                tls is null ? null : new(tls, TimeProvider.System),
                logging =>
                {
                    _ = logging.AddConsole();
                    telemetry.AddTo(logging);
                });
            await app.RunAsync();
            return 0;
        }
        catch (Exception wrong) when (wrong is InvalidTlsException or TelemetryException)
        {
            await Console.Error.WriteLineAsync(wrong.Message);
            return 2;
        }
        catch (IOException unusable)
        {
            await Console.Error.WriteLineAsync($"Cannot listen on port {port}: {unusable.Message}");
            return 1;
        }
    }

    /// <summary>A service that is ready to be started; silent unless told where to log.</summary>
    public static WebApplication Build<[DynamicallyAccessedMembers(Handlers)] TService>(
        ServedContract contract, IPEndPoint endpoint, ServiceLimits limits, RotatingTls? tls, Action<ILoggingBuilder>? log)
        where TService : class
    {
        // Not the user's folder: settings of another program may lie there.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        log?.Invoke(builder.Logging);
        builder.UseConfiguredConsoleFormat();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = limits.Connections;

            // Admission judges both, and by call: these would close a connection with all its calls.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;

            // Requests that wait keep what their window lets in. Were the windows of all streams not to fit into their
            // connection's, those that wait would starve the one in work, and with it themselves.
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreams;
            kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
            kestrel.Limits.Http2.InitialConnectionWindowSize = (MaxStreams + 1) * StreamWindowBytes;
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (tls is not null)
                {
                    var tlsLog = listen.ApplicationServices.GetRequiredService<ILogger<RotatingTls>>();
                    _ = listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(tls.Server(tlsLog)) });
                }
            });
        });

        builder.Services.AddSingleton(contract);
        contract.Register(builder.Services);
        builder.Services.AddSingleton<ErrorInterceptor>();
        builder.Services.AddSingleton<CallTelemetry>();
        builder.Services.AddSingleton(new Admission(limits, TimeProvider.System));
        builder.Services.AddSingleton(new RequestReader(limits));
        builder.Services
            .AddGrpc(static grpc =>
            {
                grpc.MaxReceiveMessageSize = MaxQuestionBytes;
                grpc.MaxSendMessageSize = MaxMessageBytes;
                grpc.CompressionProviders.Clear();
                grpc.Interceptors.Add<ErrorInterceptor>();
            })
            .AddServiceOptions<TService>(grpc => grpc.MaxReceiveMessageSize = limits.MessageBytes);

        // Not AddGrpcReflection: it finds the services by runtime reflection, which a native binary cannot promise.
        builder.Services.AddSingleton(new ReflectionServiceImpl(contract.Descriptor, Health.Descriptor));

        // A health service without a check answers UNKNOWN: one is registered, and the names are mapped to it.
        builder.Services
            .AddGrpcHealthChecks(health =>
            {
                health.Services.Map(contract.HealthName, static _ => true);
                health.Services.Map(contract.Descriptor.FullName, static _ => true);
            })
            .AddCheck("self", static () => HealthCheckResult.Healthy());
        builder.Services.Configure<HealthCheckPublisherOptions>(static publisher =>
        {
            publisher.Delay = TimeSpan.Zero;
            publisher.Period = TimeSpan.FromHours(1);
        });

        var app = builder.Build();
        var telemetry = app.Services.GetRequiredService<CallTelemetry>();
        var admission = app.Services.GetRequiredService<Admission>();
        app.UseWhen(
            context => context.Request.Path.StartsWithSegments($"/{contract.Descriptor.FullName}", StringComparison.Ordinal),
            branch => branch
                .Use(next => context => telemetry.InvokeAsync(context, next))
                .Use(next => context => admission.InvokeAsync(context, next)));
        app.MapGrpcService<TService>();
        app.MapGrpcHealthChecksService();
        app.MapGrpcService<ReflectionServiceImpl>();
        return app;
    }

    private static bool TryReadPort(string[] args, int @default, out int port, out string problem)
    {
        var text = args switch
        {
            [] => Environment.GetEnvironmentVariable("PORT") is { Length: > 0 } set
                ? set
                : @default.ToString(CultureInfo.InvariantCulture),
            ["--port", var given] => given,
            [var joined] when joined.StartsWith("--port=", StringComparison.Ordinal) => joined["--port=".Length..],
            _ => null,
        };
        port = 0;
        if (text is null)
        {
            problem = $"Unknown arguments: {string.Join(' ', args)}";
            return false;
        }

        problem = $"The port must be a number between 1 and 65535, not '{text}'.";
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535;
    }

    /// <summary>
    /// Keeps threads for connections and health while every search of the quota computes; the pool would add them only
    /// half a second later. More than these are not needed, so that a flood costs no stacks.
    /// </summary>
    private static void KeepThreadsFree()
    {
        var threads = Environment.ProcessorCount + 2;
        _ = ThreadPool.SetMinThreads(threads, threads) && ThreadPool.SetMaxThreads(2 * threads, 2 * threads);
    }
}
