using System.Buffers;
using System.Buffers.Binary;
using System.Threading.RateLimiting;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Katib.Hosting;

/// <summary>Lets requests in by size, so that a small memory limit holds whatever callers send.</summary>
/// <remarks>
/// A gRPC message begins with its length, which is read here before the message is. Messages wait, oldest first, until
/// those in work leave enough of the budget; the flow control of HTTP/2 keeps them with their senders meanwhile. When too
/// much waits already, the answer is RESOURCE_EXHAUSTED, which Katib's controller retries.
/// </remarks>
internal sealed class Admission : IAsyncDisposable
{
    private const int PrefixLength = 5;

    private readonly int _budget;
    private readonly ConcurrencyLimiter _limiter;
    private int _waiting;

    public Admission(int budget)
    {
        _budget = budget;
        _limiter = new(new()
        {
            PermitLimit = budget,
            QueueLimit = 4 * budget,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
    }

    /// <summary>How many requests wait for their turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var length = await PeekLengthAsync(context);
        using var lease = await AcquireAsync((int)Math.Clamp(length, 1, _budget), context.RequestAborted);
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }

        // A reply of trailers only, which is how gRPC refuses a call without reading it.
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] =
            ((int)StatusCode.ResourceExhausted).ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = "Too many large requests wait already; try again later.";
    }

    public ValueTask DisposeAsync() => _limiter.DisposeAsync();

    private async ValueTask<RateLimitLease> AcquireAsync(int permits, CancellationToken cancellationToken)
    {
        _ = Interlocked.Increment(ref _waiting);
        try
        {
            return await _limiter.AcquireAsync(permits, cancellationToken);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>The length that the message announces; 0 when the body ends before it does.</summary>
    private static async Task<uint> PeekLengthAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length >= PrefixLength || read.IsCompleted)
            {
                var length = LengthOf(read.Buffer);
                body.AdvanceTo(read.Buffer.Start);
                return length;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static uint LengthOf(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < PrefixLength)
        {
            return 0;
        }

        Span<byte> prefix = stackalloc byte[PrefixLength];
        buffer.Slice(0, PrefixLength).CopyTo(prefix);

        // A compressed message may become anything up to the limit: it goes alone.
        return prefix[0] is 0 ? BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]) : uint.MaxValue;
    }
}
