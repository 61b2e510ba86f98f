using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Katib.Hosting;

/// <summary>Lets requests in so that a small container holds whatever callers send, and nobody waits for a flood.</summary>
/// <remarks>
/// <para>A gRPC message begins with its length and, by every known writer, with the experiment's name: both are looked at
/// while HTTP/2's flow control keeps the rest with its sender. A message waits until those in work leave enough of the
/// budget, then it has a time to arrive in, and once read its search waits for a processor. Experiments take turns at
/// both. Nothing waits beyond its caller's deadline.</para>
/// <para>What is refused gets a reply of trailers only. RESOURCE_EXHAUSTED is what Katib's controller retries.</para>
/// </remarks>
internal sealed class Admission(ServiceLimits limits, TimeProvider time)
{
    private const int Mebibyte = 1024 * 1024;

    private readonly FairQueue _messages = new(limits.BytesInWork, limits.Waiting);
    private readonly FairQueue _searches = new(limits.Searches, limits.Waiting);
    private int _requests;

    /// <summary>How many requests wait for their turn.</summary>
    public int Waiting => _messages.Waiting + _searches.Waiting;

    /// <summary>Middleware: the next one gets a message that is complete, when there is memory for it.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) is not true)
        {
            // Refused by gRPC without a look at the body.
            await next(context);
            return;
        }

        try
        {
            var requests = Interlocked.Increment(ref _requests);
            using var lease = requests > limits.Requests
                ? throw ErrorInterceptor.Refusal(
                    StatusCode.ResourceExhausted, $"{limits.Requests} requests are here already; try again later.")
                : await AdmitAsync(context);
            await next(context);
        }
        catch (RpcException refusal) when (!context.Response.HasStarted)
        {
            Refuse(context, refusal.Status);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _requests);
        }
    }

    /// <summary>Waits for a processor to search on; disposing the lease frees it.</summary>
    public async ValueTask<IDisposable> SearchAsync(string experiment, CancellationToken cancellationToken) =>
        await _searches.EnterAsync(experiment, 1, cancellationToken) ?? throw TooMany();

    private static RpcException TooMany() => ErrorInterceptor.Refusal(
        StatusCode.ResourceExhausted, "Too many requests wait already; try again later.");

    private static void Refuse(HttpContext context, Status status)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = status.Detail;
    }

    private async Task<IDisposable> AdmitAsync(HttpContext context)
    {
        var arrived = time.GetTimestamp();
        var timeout = GrpcTimeout.Parse(context.Request.Headers[GrpcTimeout.Header]);
        using var deadline = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, time);
        using var gaveUp = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, deadline.Token);
        try
        {
            var lease = await AdmitAsync(new(context.Request.BodyReader, time, gaveUp.Token), gaveUp.Token);
            if (timeout is { } whole)
            {
                // gRPC starts the clock only now.
                context.Request.Headers[GrpcTimeout.Header] = GrpcTimeout.Format(whole - time.GetElapsedTime(arrived));
            }

            return lease;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.DeadlineExceeded, "The deadline has passed before the work began.");
        }
    }

    private async Task<IDisposable> AdmitAsync(UnreadBody body, CancellationToken gaveUp)
    {
        var head = await body.LookAsync(MessageHead.PrefixLength, limits.Beginning, MessageHead.Read)
            ?? throw ErrorInterceptor.Refusal(StatusCode.InvalidArgument, "The request holds no message.");
        ThrowIfUnwelcome(head);
        var whole = MessageHead.PrefixLength + (long)head.Length;
        var experiment = await body.LookAsync(
            Math.Min(whole, MessageHead.NameLength), limits.Beginning, MessageHead.ExperimentName);

        var lease = await _messages.EnterAsync(
            experiment, (int)Math.Clamp(head.Length, 1, limits.BytesInWork), gaveUp) ?? throw TooMany();
        try
        {
            var patience = limits.Arrival + TimeSpan.FromSeconds(head.Length / Mebibyte);
            var length = await body.LookAsync(whole + 1, patience, static b => b.Length);
            return length == whole
                ? lease
                : throw ErrorInterceptor.Refusal(
                    StatusCode.InvalidArgument,
                    $"The message announces {head.Length} bytes, but {length - MessageHead.PrefixLength} or more follow.");
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private void ThrowIfUnwelcome(MessageHead head)
    {
        if (head.Compression is not 0)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.Unimplemented, "Compressed messages are not read; send them as they are.");
        }

        if (head.Length > limits.MessageBytes)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.ResourceExhausted,
                $"The message has {head.Length} bytes; this instance has the memory to read {limits.MessageBytes}.");
        }
    }
}
