using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Katib.Hosting;

/// <summary>What the service tells an operator of its calls: a span for each, their times, and what they cost.</summary>
/// <remarks>
/// Names are those of OpenTelemetry's semantic conventions where these have one. Times include the wait for admission.
/// While nobody listens, nothing is measured.
/// </remarks>
internal sealed class CallTelemetry
{
    private const string Name = "Katib.Hosting";

    /// <summary>The status codes as gRPC spells them, by their numbers.</summary>
    private static readonly string[] Codes =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    private static readonly ActivitySource Source = new(Name);

    private readonly KeyValuePair<string, object?> _algorithm;
    private readonly Histogram<double> _calls;
    private readonly Histogram<double> _fits;
    private readonly Histogram<int> _histories;
    private readonly Counter<long> _fallbacks;

    public CallTelemetry(IMeterFactory meters, ServedContract served, Admission admission)
    {
        _algorithm = new("katib.algorithm.name", served.Name);
#pragma warning disable CA2000 // The factory disposes what it makes.
        var meter = meters.Create(Name);
#pragma warning restore CA2000
        _calls = meter.CreateHistogram(
            "rpc.server.call.duration",
            "s",
            "From a call's arrival to its reply.",
            advice: Buckets(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60));
        _histories = meter.CreateHistogram(
            "katib.suggestion.history",
            "{trial}",
            "How many trials a request for suggestions tells of.",
            advice: Buckets(0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000));
        _fits = meter.CreateHistogram(
            "katib.suggestion.fit.duration",
            "s",
            "The fit of a model's hyperparameters.",
            advice: Buckets(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10));
        _fallbacks = meter.CreateCounter<long>(
            "katib.suggestion.fallbacks", "{reply}", "Replies for which less was done than the algorithm stands for.");
        _ = meter.CreateObservableUpDownCounter(
            "katib.admission.waiting", () => new Measurement<int>(admission.Waiting, _algorithm), "{request}", "Requests that wait for admission.");
    }

    /// <summary>Middleware: measures a call, and continues the trace that its caller is in.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!_calls.Enabled && !Source.HasListeners())
        {
            await next(context);
            return;
        }

        var begun = Stopwatch.GetTimestamp();
        var method = context.Request.Path.Value![1..];
        using var span = Begin(context.Request.Headers, method);
        try
        {
            await next(context);
        }
        finally
        {
            var status = StatusOf(context);
            _calls.Record(
                Stopwatch.GetElapsedTime(begun).TotalSeconds,
                new("rpc.system.name", "grpc"),
                new("rpc.method", method),
                new("rpc.response.status_code", status),
                _algorithm);
            End(span, status);
        }
    }

    /// <summary>Notes what a request for suggestions is about.</summary>
    public void Asked(string experiment, int count, int history)
    {
        _histories.Record(history, _algorithm);
        _ = Span?.SetTag("katib.experiment.name", experiment)
            .SetTag("katib.suggestion.count", count)
            .SetTag("katib.suggestion.history", history);
    }

    /// <summary>Counts where the algorithm did less than it stands for.</summary>
    public void Answered(Reply reply)
    {
        foreach (var fallback in reply.Fallbacks)
        {
            _fallbacks.Add(1, _algorithm, new("katib.fallback", fallback));
            _ = Span?.AddEvent(new("katib.fallback", tags: new() { ["katib.fallback"] = fallback }));
        }
    }

    /// <summary>Measures the fit of a model until it is disposed.</summary>
    public IDisposable Fit() => new Fitting(_fits, _algorithm);

    /// <summary>The span of the call that this code runs for; null when it is not recorded.</summary>
    private static Activity? Span => Source.HasListeners() && Activity.Current is { IsAllDataRequested: true } span ? span : null;

    private Activity? Begin(IHeaderDictionary headers, string method)
    {
        if (!ActivityContext.TryParse(headers["traceparent"], headers["tracestate"], isRemote: true, out var caller))
        {
            // Kestrel has an activity of its own, which is told to nobody and must not become the parent.
            Activity.Current = null;
        }

        return Source.StartActivity(
            method,
            ActivityKind.Server,
            caller,
            [new("rpc.system.name", "grpc"), new("rpc.method", method), _algorithm]);
    }

    private static void End(Activity? span, string status)
    {
        _ = span?.SetTag("rpc.response.status_code", status);

        // By the conventions the caller's mistakes are no errors of a server.
        if (status is "UNKNOWN" or "DEADLINE_EXCEEDED" or "UNIMPLEMENTED" or "INTERNAL" or "UNAVAILABLE" or "DATA_LOSS")
        {
            _ = span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", status);
        }
    }

    /// <summary>gRPC's own status: in the trailers, or in the headers of a reply that is nothing else.</summary>
    private static string StatusOf(HttpContext context)
    {
        const string Header = "grpc-status";
        var text = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers[Header].ToString() is { Length: > 0 } trailer
            ? trailer
            : context.Response.Headers[Header].ToString();
        return int.TryParse(text, out var code) && code >= 0 && code < Codes.Length
            ? Codes[code]
            : Codes[(int)(context.RequestAborted.IsCancellationRequested ? StatusCode.Cancelled : StatusCode.Unknown)];
    }

    private static InstrumentAdvice<double> Buckets(params double[] bounds) => new() { HistogramBucketBoundaries = bounds };

    private static InstrumentAdvice<int> Buckets(params int[] bounds) => new() { HistogramBucketBoundaries = bounds };

    private sealed class Fitting(Histogram<double> fits, KeyValuePair<string, object?> algorithm) : IDisposable
    {
        private readonly long _begun = Stopwatch.GetTimestamp();

        public void Dispose() => fits.Record(Stopwatch.GetElapsedTime(_begun).TotalSeconds, algorithm);
    }
}
