using System.Globalization;
using System.Net;

namespace Katib.Coordinator.Host;

/// <summary>Asks the coordinator on this machine for its health: the check of a container that has no other program.</summary>
internal static class HealthProbe
{
    /// <summary>Where health is told, without a token.</summary>
    public const string Path = "/healthz";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks the instance with that configuration.</summary>
    /// <returns>The exit code: 0 when it is healthy, 1 otherwise.</returns>
    public static async Task<int> RunAsync(IConfiguration configuration)
    {
        var address = AddressOf(configuration);
        using var handler = new HttpClientHandler
        {
            UseProxy = false,
            CheckCertificateRevocationList = true,

            // The certificate is made out to the name that others call, and a loopback address has no other end.
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        };
        using var client = new HttpClient(handler) { Timeout = Patience };
        try
        {
            using var answer = await client.GetAsync(address);
            if (answer.IsSuccessStatusCode)
            {
                return 0;
            }

            await Console.Error.WriteLineAsync($"{address} answers {(int)answer.StatusCode}.");
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"{address} does not answer: {unreachable.Message}");
        }

        return 1;
    }

    /// <summary>The loopback end of the address that a coordinator with this configuration listens on.</summary>
    internal static Uri AddressOf(IConfiguration configuration)
    {
        var listen = configuration[$"{CoordinatorOptions.Section}:{nameof(CoordinatorOptions.Listen)}"];
        var given = listen is { Length: > 0 } ? listen : configuration["urls"]?.Split(';')[0];
        var address = given is { Length: > 0 }
            ? BindingAddress.Parse(given)
            : BindingAddress.Parse($"http://localhost:{configuration["http_ports"]?.Split(';')[0] ?? "5000"}");

        // All addresses, or a name, are reached on this machine's own; a single address only by itself.
        var host = IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any)
            ? address.Host
            : "127.0.0.1";
        return new(string.Create(CultureInfo.InvariantCulture, $"{address.Scheme}://{host}:{address.Port}{Path}"));
    }
}
