using System.Net;
using System.Net.Sockets;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>A way to the daemon's socket over loopback that can be cut.</summary>
internal sealed class CutCable : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _done = new();
    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private readonly string _path;
    private readonly Task _accepting;
    private bool _isCut;

    public CutCable(string path)
    {
        _path = path;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"tcp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Ends every connection, and every new one at once, until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _isCut = true;
            _sockets.ForEach(static socket => socket.Dispose());
            _sockets.Clear();
        }
    }

    public void Mend()
    {
        lock (_gate)
        {
            _isCut = false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        _listener.Dispose();
        Cut();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _done.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            _ = CarryAsync(await _listener.AcceptSocketAsync(_done.Token));
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (near)
        {
            lock (_gate)
            {
                if (_isCut)
                {
                    return;
                }

                _sockets.AddRange([near, far]);
            }

            await far.ConnectAsync(new UnixDomainSocketEndPoint(_path), _done.Token);
            await Task.WhenAll(PumpAsync(near, far), PumpAsync(far, near));
        }
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        var chunk = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(chunk) is var read and > 0)
            {
                _ = await to.SendAsync(chunk.AsMemory(0, read));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception cut) when (cut is SocketException or ObjectDisposedException)
        {
            // That is what it is for.
        }
    }
}
