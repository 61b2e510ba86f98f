using System.Net;
using System.Net.Sockets;

namespace Katib.Coordinator.Runners.Local;

/// <summary>Who serves metrics on which port of this machine: no two attempts get the same.</summary>
/// <remarks>
/// A port is free when the operating system says so, and is the attempt's from then on, though its program listens on
/// it only later. Linux does not give such ports to outgoing connections as long as it has others.
/// </remarks>
internal sealed class MetricsPorts
{
    private readonly Lock _gate = new();
    private readonly HashSet<int> _taken = [];

    /// <summary>A port that nobody listens on and no other attempt has.</summary>
    /// <exception cref="SocketException">There is none.</exception>
    public int Take()
    {
        lock (_gate)
        {
            var port = Free();
            while (!_taken.Add(port))
            {
                port = Free();
            }

            return port;
        }
    }

    /// <summary>Notes that an attempt that was begun earlier has the port.</summary>
    public void Reserve(int port)
    {
        lock (_gate)
        {
            _ = _taken.Add(port);
        }
    }

    /// <summary>Gives back what an attempt had, if anything.</summary>
    public void Release(int? port)
    {
        lock (_gate)
        {
            _ = port is { } held && _taken.Remove(held);
        }
    }

    private static int Free()
    {
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
