using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Katib.Coordinator.Suggesting;

/// <summary>A connection to a service behind one of Katib's contracts, with retries.</summary>
internal static class ServiceChannel
{
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    /// <summary>Connects to a service; the certificates are for https alone.</summary>
    public static GrpcChannel Open(Uri endpoint, SuggestionTls tls) => GrpcChannel.ForAddress(endpoint, new()
    {
        MaxReceiveMessageSize = MaxMessageBytes,
        MaxRetryAttempts = 10,
        MaxRetryBufferPerCallSize = MaxMessageBytes,
        MaxRetryBufferSize = 2 * MaxMessageBytes,
        ServiceConfig = new() { MethodConfigs = { Retrying() } },

        // .NET would ask the environment's proxy even for a service on this machine.
        // Each call carries its trace in its headers; the handler would put a span of its own between, that nobody sees.
        HttpHandler = new SocketsHttpHandler
        {
            UseProxy = !endpoint.IsLoopback,
            EnableMultipleHttp2Connections = true,
            ActivityHeadersPropagator = null,
            SslOptions = endpoint.Scheme == Uri.UriSchemeHttps ? tls.ToOptions() : new(),
        },
        DisposeHttpClient = true,
    });

    /// <summary>What a failed call means; UNKNOWN counts as a refusal because Katib's own services report a user's mistake with it.</summary>
    /// <param name="service">The service's name and address, for the message.</param>
    /// <param name="failure">What has come of the call.</param>
    /// <param name="cancellationToken">Whether nobody waits for it any more.</param>
    public static Exception Translate(string service, RpcException failure, CancellationToken cancellationToken) => failure.StatusCode switch
    {
        _ when cancellationToken.IsCancellationRequested => new OperationCanceledException(cancellationToken),
        StatusCode.InvalidArgument or StatusCode.Unknown => new SuggestionRefusedException(failure.Status.Detail),
        _ when failure.Status.DebugException?.GetBaseException() is InvalidProtocolBufferException => new SuggestionUnavailableException(
            $"The {service} answered with what is no reply of such a service.", failure),
        StatusCode.Unavailable or StatusCode.DeadlineExceeded => new SuggestionUnavailableException(
            $"The {service} does not answer ({WhyNot(failure)}); is it running?", failure),
        _ => new SuggestionUnavailableException($"The {service} answered {failure.StatusCode}: {failure.Status.Detail}", failure),
    };

    private static string WhyNot(RpcException failure) => failure.StatusCode is StatusCode.DeadlineExceeded
        ? "the time for it is over"
        : (failure.Status.DebugException?.GetBaseException().Message ?? failure.Status.Detail).TrimEnd('.');

    private static MethodConfig Retrying() => new()
    {
        Names = { MethodName.Default },
        RetryPolicy = new()
        {
            MaxAttempts = 10,
            InitialBackoff = TimeSpan.FromMilliseconds(200),
            MaxBackoff = TimeSpan.FromSeconds(5),
            BackoffMultiplier = 2,
            RetryableStatusCodes = { StatusCode.Unavailable, StatusCode.ResourceExhausted },
        },
    };
}
