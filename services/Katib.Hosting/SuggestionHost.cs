using System.Globalization;
using System.Net;
using Grpc.AspNetCore.Server.Model;
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
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>Serves an algorithm behind Katib's Suggestion contract.</summary>
public static class SuggestionHost
{
    /// <summary>Katib's port for suggestion services.</summary>
    public const int DefaultPort = 6789;

    /// <summary>The longest message that is read where memory allows it: room for 100,000 trials of 10 parameters.</summary>
    public const int MaxMessageBytes = 64 * 1024 * 1024;

    private const int MaxStreams = 100;

    private const int StreamWindowBytes = 64 * 1024;

    /// <summary>More than any question about health or reflection has; these do not wait, so they must be small.</summary>
    private const int MaxQuestionBytes = 4 * 1024;

    /// <summary>The name that Katib's kubelet probe asks for.</summary>
    internal const string KatibHealthName = "manager.v1beta1.Suggestion";

    private const string Usage = """
        Serves a search algorithm behind Katib's gRPC contract api.v1.beta1.Suggestion.

          --port N   the port to listen on, HTTP/2 (default: $PORT, or else 6789)
          --probe    ask the instance on that port for its health; exit code 0 when it serves
          --help     this text

        It speaks plaintext, as Katib does. With TLS_CERT_FILE and TLS_KEY_FILE (PEM) it speaks TLS, and with
        TLS_CLIENT_CA_FILE only to callers with a certificate of that authority. Changed files are read again.
        """;

    /// <summary>Runs a service process until SIGTERM, or probes one.</summary>
    /// <returns>The exit code: 0 for a clean stop or a healthy instance, 1 for an unhealthy one, 2 for wrong arguments.</returns>
    public static async Task<int> RunAsync(string[] args, string name, ISearchAlgorithm algorithm)
    {
        if (args is ["--help"])
        {
            Console.WriteLine(Usage);
            return 0;
        }

        var probe = args.Contains("--probe");
        if (!TryReadPort([.. args.Where(static a => a is not "--probe")], out var port, out var problem))
        {
            await Console.Error.WriteLineAsync($"{problem}\n\n{Usage}");
            return 2;
        }

        try
        {
            var tls = TlsFiles.FromEnvironment();
            if (probe)
            {
                return await Probe.IsServingAsync(port, tls?.Parse(tls.ReadContent())) ? 0 : 1;
            }

            KeepThreadsFree();
            await using var telemetry = await TelemetryPipeline.StartAsync($"katib-suggestion-{name}", CancellationToken.None);
            await using var app = Build(
                name,
                algorithm,
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

    /// <summary>A service that is ready to be started, for instance inside <c>katib run</c>; silent unless told where to log.</summary>
    public static WebApplication Build(
        string name, ISearchAlgorithm algorithm, IPEndPoint endpoint, Action<ILoggingBuilder>? log = null) =>
        Build(name, algorithm, endpoint, new(), tls: null, log);

    /// <summary>The same with other limits, or behind TLS.</summary>
    internal static WebApplication Build(
        string name,
        ISearchAlgorithm algorithm,
        IPEndPoint endpoint,
        ServiceLimits limits,
        RotatingTls? tls,
        Action<ILoggingBuilder>? log)
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

        builder.Services.AddSingleton(new ServedAlgorithm(name, algorithm));
        builder.Services.AddSingleton<SuggestionService>();
        builder.Services.AddSingleton<IServiceMethodProvider<SuggestionService>, SuggestionMethods>();
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
            .AddServiceOptions<SuggestionService>(grpc => grpc.MaxReceiveMessageSize = limits.MessageBytes);

        // Not AddGrpcReflection: it finds the services by runtime reflection, which a native binary cannot promise.
        builder.Services.AddSingleton(new ReflectionServiceImpl(Wire.Suggestion.Descriptor, Health.Descriptor));

        // A health service without a check answers UNKNOWN: one is registered, and the names are mapped to it.
        builder.Services
            .AddGrpcHealthChecks(static health =>
            {
                health.Services.Map(KatibHealthName, static _ => true);
                health.Services.Map("api.v1.beta1.Suggestion", static _ => true);
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
            static context => context.Request.Path.StartsWithSegments("/api.v1.beta1.Suggestion", StringComparison.Ordinal),
            branch => branch
                .Use(next => context => telemetry.InvokeAsync(context, next))
                .Use(next => context => admission.InvokeAsync(context, next)));
        app.MapGrpcService<SuggestionService>();
        app.MapGrpcHealthChecksService();
        app.MapGrpcService<ReflectionServiceImpl>();
        return app;
    }

    private static bool TryReadPort(string[] args, out int port, out string problem)
    {
        var text = args switch
        {
            [] => Environment.GetEnvironmentVariable("PORT") is { Length: > 0 } set
                ? set
                : DefaultPort.ToString(CultureInfo.InvariantCulture),
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
