using System.Net;
using System.Net.NetworkInformation;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>The machine that containers run on, as they see it.</summary>
public static class DockerHostName
{
    /// <summary>The name that Docker Desktop gives it, and we on Linux.</summary>
    public const string Value = "host.docker.internal";

    private const string DefaultNetwork = "bridge";

    /// <summary>What makes a container know the name.</summary>
    internal const string Entry = $"{Value}:host-gateway";

    /// <summary>The address of this machine on the containers' network; null where they reach its loopback, as with Docker Desktop.</summary>
    /// <exception cref="RunnerUnavailableException">The daemon does not answer.</exception>
    public static async Task<IPAddress?> FindAddressAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var docker = new DockerConnection(endpoint: null, new Progress<string>(), time);
        var network = await DockerConnection.OnceAsync(
            token => docker.Client.Networks.InspectNetworkAsync(DefaultNetwork, token), cancellationToken);
        var gateways = network.IPAM.Config.Select(static c => c.Gateway).OfType<string>();
        var own = NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(static n => n.GetIPProperties().UnicastAddresses)
            .Select(static a => a.Address.ToString())
            .ToHashSet(StringComparer.Ordinal);
        return gateways.FirstOrDefault(own.Contains) is { } gateway ? IPAddress.Parse(gateway) : null;
    }
}
