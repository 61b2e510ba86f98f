using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>A page on loopback that says whatever a test wants, and notes who asks.</summary>
internal sealed class PageServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _done = new();
    private readonly List<string> _requests = [];
    private readonly Task _serving;

    public PageServer()
    {
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>What is answered, head and body; null to say nothing for ever.</summary>
    public string? Answer { get; set; }

    public string[] Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    public static string Ok(string body) => $"HTTP/1.1 200 OK\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _done.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            using var client = await _listener.AcceptTcpClientAsync(_done.Token);
            await using var stream = client.GetStream();
            var request = new StringBuilder();
            var buffer = new byte[4096];
            while (!request.ToString().Contains("\r\n\r\n", StringComparison.Ordinal)
                && await stream.ReadAsync(buffer, _done.Token) is var read && read > 0)
            {
                _ = request.Append(Encoding.ASCII.GetString(buffer, 0, read));
            }

            lock (_requests)
            {
                _requests.Add(request.ToString());
            }

            try
            {
                if (Answer is { } answer)
                {
                    await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _done.Token);
                }
                else
                {
                    // Until the other side gives up.
                    _ = await stream.ReadAsync(buffer, _done.Token);
                }
            }
            catch (IOException)
            {
                // It has heard enough.
            }
        }
    }
}
