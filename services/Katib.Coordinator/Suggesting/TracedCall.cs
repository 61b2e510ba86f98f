using System.Diagnostics;
using Grpc.Core;
using Katib.Coordinator.Telling;

namespace Katib.Coordinator.Suggesting;

/// <summary>One call of an algorithm's service as operators see it: a span, whose context goes with the call, and its time.</summary>
/// <remarks>Names are those of OpenTelemetry's semantic conventions for RPC.</remarks>
internal sealed class TracedCall(Uri endpoint, string algorithm, string method) : IDisposable
{
    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly Activity? _span = Instruments.Source.StartActivity(
        method,
        ActivityKind.Client,
        default(ActivityContext),
        [
            new("rpc.system.name", "grpc"),
            new("rpc.method", method),
            new("server.address", endpoint.Host),
            new("server.port", endpoint.Port),
            new("katib.algorithm.name", algorithm),
        ]);

    private string _status = "OK";

    /// <summary>The span's context in W3C's headers; none where nothing is traced.</summary>
    public Metadata Headers
    {
        get
        {
            var headers = new Metadata();
            if (_span is { Id: { } parent })
            {
                headers.Add("traceparent", parent);
                if (_span.TraceStateString is { Length: > 0 } state)
                {
                    headers.Add("tracestate", state);
                }
            }

            return headers;
        }
    }

    /// <summary>The call has failed.</summary>
    public void Fail(StatusCode code)
    {
        // As gRPC spells it: InvalidArgument is INVALID_ARGUMENT.
        _status = string.Concat($"{code}".Select(static (c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));
        if (code is not StatusCode.OutOfRange)
        {
            _ = _span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", _status);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = _span?.SetTag("rpc.response.status_code", _status);
        _span?.Dispose();
        Instruments.Called(
            Stopwatch.GetElapsedTime(_begun),
            new TagList(
            [
                new("rpc.system.name", "grpc"),
                new("rpc.method", method),
                new("rpc.response.status_code", _status),
                new("server.address", endpoint.Host),
                new("server.port", endpoint.Port),
                new("katib.algorithm.name", algorithm),
            ]));
    }
}
