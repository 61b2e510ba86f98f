using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;
using Katib.Otlp.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Katib.Otlp;

/// <summary>A span that was received, with the name of the service that told it.</summary>
public sealed record ReceivedSpan(string Service, Span Span)
{
    public string Name => Span.Name;

    public string TraceId => Convert.ToHexStringLower(Span.TraceId.Span);

    public string Id => Convert.ToHexStringLower(Span.SpanId.Span);

    /// <summary>The parent's id; empty for a root.</summary>
    public string ParentId => Convert.ToHexStringLower(Span.ParentSpanId.Span);

    public string this[string attribute] => OtlpReceiver.Text(Span.Attributes, attribute);
}

/// <summary>One series of a metric that was received, with its newest value: for a histogram the number of measurements.</summary>
public sealed record ReceivedSeries(string Service, string Name, string Unit, IReadOnlyDictionary<string, string> Attributes, double Value);

/// <summary>A log record that was received.</summary>
public sealed record ReceivedLog(string Service, LogRecord Record)
{
    public string Body => Record.Body.StringValue;

    public string TraceId => Convert.ToHexStringLower(Record.TraceId.Span);

    public string this[string attribute] => OtlpReceiver.Text(Record.Attributes, attribute);
}

/// <summary>An OpenTelemetry collector that keeps what it gets, on real Kestrel and a port of its own.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Inbox _inbox = new();

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        _ = builder.Logging.ClearProviders();
        _ = builder.WebHost.ConfigureKestrel(static kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        _ = builder.Services.AddSingleton(_inbox);
        _ = builder.Services.AddGrpc();
        _app = builder.Build();
        _ = _app.MapGrpcService<TraceReceiver>();
        _ = _app.MapGrpcService<MetricsReceiver>();
        _ = _app.MapGrpcService<LogsReceiver>();
    }

    /// <summary>What OTEL_EXPORTER_OTLP_ENDPOINT is to be.</summary>
    public string Endpoint => _app.Urls.Single();

    public IReadOnlyList<ReceivedSpan> Spans => [.. _inbox.Spans];

    /// <summary>The series as they were told last.</summary>
    public IReadOnlyList<ReceivedSeries> Series => [.. _inbox.Series
        .GroupBy(static s => (s.Service, s.Name, string.Join(' ', s.Attributes.Select(static a => $"{a.Key}={a.Value}").Order(StringComparer.Ordinal))))
        .Select(static g => g.Last())];

    public IReadOnlyList<ReceivedLog> Logs => [.. _inbox.Logs];

    /// <summary>Everything that was received, as text.</summary>
    public string Everything => string.Join('\n', _inbox.Messages);

    public static async Task<OtlpReceiver> StartAsync(CancellationToken cancellationToken)
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync(cancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    internal static string Text(RepeatedField<KeyValue> attributes, string key) =>
        attributes.FirstOrDefault(a => a.Key == key)?.Value is { } value ? Text(value) : "";

    private static string Text(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.IntValue => FormattableString.Invariant($"{value.IntValue}"),
        AnyValue.ValueOneofCase.DoubleValue => FormattableString.Invariant($"{value.DoubleValue}"),
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        _ => "",
    };

    private sealed class Inbox
    {
        public ConcurrentQueue<IMessage> Messages { get; } = [];

        public ConcurrentQueue<ReceivedSpan> Spans { get; } = [];

        public ConcurrentQueue<ReceivedSeries> Series { get; } = [];

        public ConcurrentQueue<ReceivedLog> Logs { get; } = [];
    }

    private sealed class TraceReceiver(Inbox inbox) : TraceService.TraceServiceBase
    {
        public override Task<Taken> Export(Traces request, ServerCallContext context)
        {
            inbox.Messages.Enqueue(request);
            foreach (var told in request.ResourceSpans)
            {
                foreach (var span in told.ScopeSpans.SelectMany(static s => s.Spans))
                {
                    inbox.Spans.Enqueue(new(Text(told.Resource.Attributes, "service.name"), span));
                }
            }

            return Task.FromResult(new Taken());
        }
    }

    private sealed class MetricsReceiver(Inbox inbox) : MetricsService.MetricsServiceBase
    {
        public override Task<Taken> Export(Metrics request, ServerCallContext context)
        {
            inbox.Messages.Enqueue(request);
            foreach (var told in request.ResourceMetrics)
            {
                var service = Text(told.Resource.Attributes, "service.name");
                foreach (var metric in told.ScopeMetrics.SelectMany(static s => s.Metrics))
                {
                    foreach (var (attributes, value) in Points(metric))
                    {
                        inbox.Series.Enqueue(new(
                            service, metric.Name, metric.Unit, attributes.ToDictionary(static a => a.Key, static a => Text(a.Value)), value));
                    }
                }
            }

            return Task.FromResult(new Taken());
        }

        private static IEnumerable<(RepeatedField<KeyValue> Attributes, double Value)> Points(Metric metric) =>
            metric.DataCase is Metric.DataOneofCase.Histogram
                ? metric.Histogram.DataPoints.Select(static p => (p.Attributes, (double)p.Count))
                : (metric.Sum ?? metric.Gauge).DataPoints.Select(static p => (
                    p.Attributes, p.ValueCase is NumberPoint.ValueOneofCase.AsInt ? p.AsInt : p.AsDouble));
    }

    private sealed class LogsReceiver(Inbox inbox) : LogsService.LogsServiceBase
    {
        public override Task<Taken> Export(Logs request, ServerCallContext context)
        {
            inbox.Messages.Enqueue(request);
            foreach (var told in request.ResourceLogs)
            {
                foreach (var record in told.ScopeLogs.SelectMany(static s => s.LogRecords))
                {
                    inbox.Logs.Enqueue(new(Text(told.Resource.Attributes, "service.name"), record));
                }
            }

            return Task.FromResult(new Taken());
        }
    }
}
