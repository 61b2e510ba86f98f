using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Katib.Hosting;

/// <summary>The one place where the core's exceptions become status codes.</summary>
internal sealed class ErrorInterceptor : Interceptor
{
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
            throw new RpcException(new(StatusCode.InvalidArgument, invalid.Message));
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw new RpcException(
                new(StatusCode.InvalidArgument, $"A trial of the request is malformed: {malformed.Message}"));
        }
        catch (SpaceUsedUpException usedUp)
        {
            throw new RpcException(new(StatusCode.OutOfRange, usedUp.Message));
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new(StatusCode.Cancelled, "The caller gave up."));
        }
    }
}
