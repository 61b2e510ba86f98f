using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Katib.Telemetry;

/// <summary>Carries what a process tells of itself to where the environment says: OTLP, Prometheus, or nowhere.</summary>
/// <remarks>
/// The code that tells uses .NET's own activities, meters and loggers, which cost nothing while nobody listens; only this
/// project knows OpenTelemetry. Where the environment asks for nothing, nothing is created.
/// </remarks>
public sealed class TelemetryPipeline : IAsyncDisposable
{
    private static readonly string[] Meters =
    [
        "Katib.Hosting", "Katib.Coordinator", ProcessMetrics.Name, "System.Runtime", "Microsoft.AspNetCore.Hosting",
    ];

    private readonly List<IDisposable> _senders = [];
    private ILoggerFactory? _logs;
    private Forwarding? _forwarding;
    private WebApplication? _endpoint;

    private TelemetryPipeline()
    {
    }

    /// <summary>Loggers whose lines are sent; silent ones where no logs are.</summary>
    public ILoggerFactory Loggers => _logs ?? NullLoggerFactory.Instance;

    /// <summary>Begins to tell what the environment asks for.</summary>
    /// <param name="service">The name of the process, where OTEL_SERVICE_NAME gives no other.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TelemetryException">A variable makes no sense, or the port is taken.</exception>
    public static async Task<TelemetryPipeline> StartAsync(string service, CancellationToken cancellationToken)
    {
        var settings = TelemetrySettings.Read(Environment.GetEnvironmentVariable);
        var pipeline = new TelemetryPipeline();
        if (settings.Traces)
        {
            pipeline.SendTraces(service);
        }

        if (settings.Logs)
        {
            pipeline._logs = SendLogs(service);
            pipeline._forwarding = new(pipeline._logs);
        }

        if (settings.Metrics || settings.MetricsPort is not null)
        {
            await pipeline.TellMetricsAsync(service, settings, cancellationToken);
        }

        return pipeline;
    }

    /// <summary>Sends the lines of a host's loggers too.</summary>
    public void AddTo(ILoggingBuilder logging)
    {
        if (_forwarding is not null)
        {
            _ = logging.AddProvider(_forwarding);
        }
    }

    /// <summary>Sends what is left, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_endpoint is not null)
        {
            await _endpoint.DisposeAsync();
        }

        foreach (var sender in _senders)
        {
            sender.Dispose();
        }

        _forwarding?.Dispose();
        _logs?.Dispose();
    }

    // Each in a method of its own, so that a process that tells nothing does not even load OpenTelemetry.
    private void SendTraces(string service) => _senders.Add(Sdk.CreateTracerProviderBuilder()
        .SetResourceBuilder(ResourceOf(service))
        .AddSource("Katib.Hosting", "Katib.Coordinator")
        .AddOtlpExporter()
        .Build());

    private static ILoggerFactory SendLogs(string service) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Trace) // Levels are chosen where the lines are made.
        .AddOpenTelemetry(logs =>
        {
            logs.IncludeScopes = true;
            logs.IncludeFormattedMessage = true;
            _ = logs.SetResourceBuilder(ResourceOf(service)).AddOtlpExporter();
        }));

    private async Task TellMetricsAsync(string service, TelemetrySettings settings, CancellationToken cancellationToken)
    {
        ProcessMetrics.Register();
        var builder = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(ResourceOf(service)).AddMeter(Meters);
        builder = settings.Metrics ? builder.AddOtlpExporter() : builder;
        builder = settings.MetricsPort is null ? builder : builder.AddPrometheusExporter();
        var metrics = builder.Build();
        _senders.Add(metrics);
        if (settings.MetricsPort is { } port)
        {
            _endpoint = await ServeMetricsAsync(metrics, port, cancellationToken);
        }
    }

    /// <summary>What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say stands over what the program says.</summary>
    private static ResourceBuilder ResourceOf(string service) => ResourceBuilder.CreateEmpty()
        .AddService(service, serviceVersion: typeof(TelemetryPipeline).Assembly.GetName().Version?.ToString(3))
        .AddTelemetrySdk()
        .AddEnvironmentVariableDetector();

    /// <summary>A listener of its own: the port of a gRPC service speaks HTTP/2 only, and Prometheus HTTP/1.1.</summary>
    private static async Task<WebApplication> ServeMetricsAsync(
        MeterProvider metrics, int port, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        _ = builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Any, port, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        _ = app.UseOpenTelemetryPrometheusScrapingEndpoint(metrics, null, "/metrics", null, null);
        try
        {
            await app.StartAsync(cancellationToken);
            return app;
        }
        catch (IOException taken)
        {
            await app.DisposeAsync();
            throw new TelemetryException($"METRICS_PORT {port} cannot be listened on: {taken.Message}");
        }
    }

    /// <summary>Leads a host's lines to the loggers that send.</summary>
    private sealed class Forwarding(ILoggerFactory loggers) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => loggers.CreateLogger(categoryName);

        public void Dispose()
        {
            // The loggers belong to the process, which may have several hosts.
        }
    }
}
