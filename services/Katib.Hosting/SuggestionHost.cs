using System.Globalization;
using System.Net;
using Grpc.AspNetCore.Server.Model;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection;
using Katib.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
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

    /// <summary>The longest message that is read: room for 100,000 trials of 10 parameters.</summary>
    public const int MaxMessageBytes = 64 * 1024 * 1024;

    /// <summary>How many bytes of requests are in work at once: one of the largest in use, or many small ones.</summary>
    private const int MaxBytesInFlight = 8 * 1024 * 1024;

    private const int MaxStreams = 100;

    private const int StreamWindowBytes = 64 * 1024;

    /// <summary>The name that Katib's kubelet probe asks for.</summary>
    private const string KatibHealthName = "manager.v1beta1.Suggestion";

    private const string Usage = """
        Serves a search algorithm behind Katib's gRPC contract api.v1.beta1.Suggestion.

          --port N   the port to listen on, plaintext HTTP/2 (default: $PORT, or else 6789)
          --probe    ask the instance on that port for its health; exit code 0 when it serves
          --help     this text
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

        if (probe)
        {
            return await ProbeAsync(port) ? 0 : 1;
        }

        try
        {
            await using var telemetry = await TelemetryPipeline.StartAsync($"katib-suggestion-{name}", CancellationToken.None);
            await using var app = Build(name, algorithm, new(IPAddress.Any, port), logging =>
            {
                _ = logging.AddConsole();
                telemetry.AddTo(logging);
            });
            await app.RunAsync();
            return 0;
        }
        catch (TelemetryException wrong)
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
        string name, ISearchAlgorithm algorithm, IPEndPoint endpoint, Action<ILoggingBuilder>? log = null)
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
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;

            // Requests that wait keep what their window lets in. Were the windows of all streams not to fit into their
            // connection's, those that wait would starve the one in work, and with it themselves.
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreams;
            kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
            kestrel.Limits.Http2.InitialConnectionWindowSize = (MaxStreams + 1) * StreamWindowBytes;
            kestrel.Listen(endpoint, static listen => listen.Protocols = HttpProtocols.Http2);
        });

        builder.Services.AddSingleton(new ServedAlgorithm(name, algorithm));
        builder.Services.AddSingleton<SuggestionService>();
        builder.Services.AddSingleton<IServiceMethodProvider<SuggestionService>, SuggestionMethods>();
        builder.Services.AddSingleton<ErrorInterceptor>();
        builder.Services.AddSingleton<CallTelemetry>();
        builder.Services.AddSingleton(static _ => new Admission(MaxBytesInFlight));
        builder.Services.AddGrpc(static grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxMessageBytes;
            grpc.MaxSendMessageSize = MaxMessageBytes;
            grpc.Interceptors.Add<ErrorInterceptor>();
        });

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

    private static async Task<bool> ProbeAsync(int port)
    {
        using var channel = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}",
            new() { HttpHandler = new SocketsHttpHandler { UseProxy = false }, DisposeHttpClient = true });
        try
        {
            var reply = await new Health.HealthClient(channel).CheckAsync(
                new() { Service = KatibHealthName }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(5));
            return reply.Status is HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (Grpc.Core.RpcException unreachable)
        {
            await Console.Error.WriteLineAsync($"No healthy service on port {port}: {unreachable.Status.Detail}");
            return false;
        }
    }
}
