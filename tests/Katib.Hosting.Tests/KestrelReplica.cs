using System.Net;
using Grpc.Net.Client;
using Katib.Driver;
using Microsoft.AspNetCore.Builder;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>A service in this process, on real Kestrel and a port of its own.</summary>
internal sealed class KestrelReplica : IReplica, IAsyncDisposable
{
    private readonly string _name;
    private readonly Func<ISearchAlgorithm> _algorithm;
    private WebApplication _app;
    private GrpcChannel? _channel;

    private KestrelReplica(string name, Func<ISearchAlgorithm> algorithm)
    {
        (_name, _algorithm) = (name, algorithm);
        _app = Build();
    }

    public Uri Address => new(_app.Urls.Single());

    /// <summary>One channel for all calls of a test.</summary>
    public GrpcChannel Channel => _channel ??= GrpcChannel.ForAddress(Address);

    public Wire.Suggestion.SuggestionClient Client => new(Channel);

    public static Task<KestrelReplica> StartAsync(
        string name, ISearchAlgorithm algorithm, CancellationToken cancellationToken) =>
        StartAsync(name, () => algorithm, cancellationToken);

    /// <summary>With an algorithm that forgets what it keeps when the replica is started anew.</summary>
    public static async Task<KestrelReplica> StartAsync(
        string name, Func<ISearchAlgorithm> algorithm, CancellationToken cancellationToken)
    {
        var replica = new KestrelReplica(name, algorithm);
        await replica._app.StartAsync(cancellationToken);
        return replica;
    }

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        _app = Build();
        await _app.StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        _channel = null;
        await _app.DisposeAsync();
    }

    private WebApplication Build() => SuggestionHost.Build(_name, _algorithm(), new(IPAddress.Loopback, 0));
}
