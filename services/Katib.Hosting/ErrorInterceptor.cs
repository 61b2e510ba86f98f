using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Katib.Hosting;

/// <summary>The one place where the core's exceptions become status codes.</summary>
internal sealed class ErrorInterceptor : Interceptor
{
    /// <summary>A status travels in a header, and gRPC's C++ takes 8 KiB of all of them.</summary>
    private const int MaxDetailBytes = 6 * 1024;

    /// <summary>What remains to be said when garbage collection is at its limit.</summary>
    public static Status TooLarge { get; } = new(
        StatusCode.ResourceExhausted, "The request needs more memory than this instance has; give it a larger limit.");

    /// <summary>The caller's mistake, told as far as a header goes.</summary>
    public static RpcException Refusal(StatusCode code, string detail)
    {
        var (end, bytes) = (0, 0);
        foreach (var rune in detail.EnumerateRunes())
        {
            // Everything but printable ASCII is written as %XX.
            bytes += rune.Value is >= ' ' and <= '~' and not '%' ? 1 : 3 * rune.Utf8SequenceLength;
            if (bytes > MaxDetailBytes)
            {
                return new(new(code, $"{detail[..end]} ... ({detail.Length - end} more characters)"));
            }

            end += rune.Utf16SequenceLength;
        }

        return new(new(code, detail));
    }

    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (InvalidStudyException invalid)
        {
            throw Refusal(StatusCode.InvalidArgument, invalid.Message);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw Refusal(StatusCode.InvalidArgument, $"A trial of the request is malformed: {malformed.Message}");
        }
        catch (SpaceUsedUpException usedUp)
        {
            throw Refusal(StatusCode.OutOfRange, usedUp.Message);
        }
        catch (OutOfMemoryException)
        {
            throw new RpcException(TooLarge);
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new(StatusCode.Cancelled, "The caller gave up."));
        }
    }
}
