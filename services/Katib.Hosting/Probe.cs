using System.Globalization;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Katib.Hosting;

/// <summary>Asks an instance on this machine for its health, as a container's health check.</summary>
internal static class Probe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<bool> IsServingAsync(int port, string service, TlsCertificates? tls)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (tls is not null)
        {
            handler.SslOptions = tls.Probe;
        }

        var scheme = tls is null ? "http" : "https";
        using var channel = GrpcChannel.ForAddress(
            string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}"),
            new() { HttpHandler = handler, DisposeHttpClient = true });
        try
        {
            var reply = await new Health.HealthClient(channel).CheckAsync(
                new() { Service = service },
                deadline: (TimeProvider.System.GetUtcNow() + Patience).UtcDateTime);
            return reply.Status is HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (RpcException unreachable)
        {
            await Console.Error.WriteLineAsync($"No healthy service on port {port}: {unreachable.Status.Detail}");
            return false;
        }
    }
}
