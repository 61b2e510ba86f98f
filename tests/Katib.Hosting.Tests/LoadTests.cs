using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>More callers than a service can serve, on real connections.</summary>
public sealed class LoadTests : IAsyncLifetime
{
    private const int Mebibyte = 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Gated _algorithm = new();
    private readonly List<GrpcChannel> _channels = [];
    private readonly WebApplication _service;

    public LoadTests() => _service = SuggestionHost.Build(
        "gated",
        _algorithm,
        new(IPAddress.Loopback, 0),
        new()
        {
            BytesInWork = Mebibyte,
            Searches = 1,
            Waiting = 30,
            Requests = 200,
            Connections = 20,
            Beginning = TimeSpan.FromSeconds(1),
            Arrival = TimeSpan.FromSeconds(1),
        },
        tls: null,
        log: null);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Uri Address => new(_service.Urls.Single());

    public async ValueTask InitializeAsync() => await _service.StartAsync(Token);

    public async ValueTask DisposeAsync()
    {
        _algorithm.Open();
        _channels.ForEach(static c => c.Dispose());
        await _service.DisposeAsync();
        _algorithm.Dispose();
    }

    [Fact]
    public async Task While_all_processors_search_and_others_wait_health_is_told_at_once()
    {
        var channel = Connect();
        var calls = Enumerable.Range(0, 20).Select(i => AskAsync(channel, $"study-{i}")).ToArray();
        await _algorithm.Entered.WaitAsync(Patience, Token);

        var begun = Stopwatch.GetTimestamp();
        var reply = await new Health.HealthClient(channel).CheckAsync(new(), cancellationToken: Token);
        var took = Stopwatch.GetElapsedTime(begun);
        _algorithm.Open();

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, reply.Status);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        _ = await Task.WhenAll(calls);
        Assert.Equal(1, _algorithm.MostAtOnce);
    }

    [Fact]
    public async Task A_flood_is_refused_and_nobody_else()
    {
        var channel = Connect();
        var other = Connect();
        var flood = Enumerable.Range(0, 80).Select(_ => AskAsync(channel, "flood")).ToArray();
        await UntilAsync("the flood is refused in part", () => flood.Count(static c => c.IsCompleted) >= 40);

        var others = Enumerable.Range(0, 5).Select(i => AskAsync(other, $"study-{i}")).ToArray();
        await UntilAsync("others wait in its place", () => flood.Count(static c => c.IsCompleted) >= 54);
        _algorithm.Open();

        Assert.All(await Task.WhenAll(others), static code => Assert.Equal(StatusCode.OK, code));
        var codes = await Task.WhenAll(flood);
        Assert.Equal([StatusCode.OK, StatusCode.ResourceExhausted], codes.Distinct().Order());
    }

    [Fact]
    public async Task What_waits_beyond_its_deadline_is_not_searched_for()
    {
        var channel = Connect();
        var first = AskAsync(channel, "first");
        await _algorithm.Entered.WaitAsync(Patience, Token);

        var late = await AskAsync(channel, "late", TimeSpan.FromMilliseconds(300));
        var admission = _service.Services.GetRequiredService<Admission>();
        await UntilAsync("the service has noticed, too", () => admission.Waiting is 0);
        _algorithm.Open();

        Assert.Equal((StatusCode.DeadlineExceeded, StatusCode.OK), (late, await first));
        Assert.Equal(["first"], _algorithm.Searched);
    }

    [Fact]
    public async Task Callers_who_announce_messages_and_never_send_them_do_not_keep_others_out()
    {
        var lorises = Enumerable.Range(0, 3).Select(_ => AnnounceAsync()).ToArray();
        var channel = Connect();
        _algorithm.Open();

        var code = await AskAsync(channel, "study", Patience);

        Assert.Equal(StatusCode.OK, code);
        Assert.All(await Task.WhenAll(lorises).WaitAsync(Patience, Token), static told =>
            Assert.Equal("4 The message has not arrived within 2 s.", told));
    }

    [Fact]
    public async Task More_connections_than_may_be_are_closed()
    {
        var connections = new List<System.Net.Sockets.TcpClient>();
        for (var i = 0; i < 25; i++)
        {
            var connection = new System.Net.Sockets.TcpClient();
            await connection.ConnectAsync(IPAddress.Loopback, Address.Port, Token);
            connections.Add(connection);
        }

        var closed = 0;
        foreach (var connection in connections[20..])
        {
            closed += await connection.GetStream().ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token) is 0 ? 1 : 0;
        }

        connections.ForEach(static c => c.Dispose());
        Assert.Equal(5, closed);
        var channel = Connect();
        await UntilAsync("a connection is free", () => ServesAsync(channel).GetAwaiter().GetResult());
    }

    private GrpcChannel Connect()
    {
        _channels.Add(GrpcChannel.ForAddress(Address));
        return _channels[^1];
    }

    private static async Task<bool> ServesAsync(GrpcChannel channel)
    {
        try
        {
            _ = await new Health.HealthClient(channel).CheckAsync(new(), cancellationToken: Token);
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private static async Task<StatusCode> AskAsync(GrpcChannel channel, string experiment, TimeSpan? timeout = null)
    {
        var request = Ask(Experiment("gated", Real("a", "0", "1")), 1);
        request.Experiment.Name = experiment;
        try
        {
            _ = await new Wire.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(
                request, deadline: TimeProvider.System.GetUtcNow().UtcDateTime + (timeout ?? Patience), cancellationToken: Token);
            return StatusCode.OK;
        }
        catch (RpcException refused)
        {
            return refused.StatusCode;
        }
    }

    /// <summary>Announces a MiB, sends a kilobyte of it, and waits to be sent away.</summary>
    private async Task<string> AnnounceAsync()
    {
        using var http = new HttpClient { BaseAddress = Address };
        using var message = new HttpRequestMessage(HttpMethod.Post, "/api.v1.beta1.Suggestion/GetSuggestions")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new Unfinished(),
        };
        message.Headers.Add("TE", "trailers");
        using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Token);
        return $"{response.Headers.GetValues("grpc-status").Single()} {response.Headers.GetValues("grpc-message").Single()}";
    }

    private static async Task UntilAsync(string what, Func<bool> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        while (!holds())
        {
            Assert.False(patience.IsCancellationRequested, $"Waited in vain until {what}.");
            await Task.Delay(10, Token);
        }
    }

    private sealed class Unfinished : HttpContent
    {
        public Unfinished() => Headers.ContentType = new("application/grpc");

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[] { 0, 0, 0x10, 0, 0 }, Token);
            await stream.WriteAsync(new byte[1024], Token);
            await stream.FlushAsync(Token);
            await Task.Delay(Patience, Token);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>Searches until the gate is opened.</summary>
    private sealed class Gated : ISearchAlgorithm, IDisposable
    {
        private readonly ManualResetEventSlim _gate = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<string> _searched = [];
        private int _running;

        public ImmutableArray<SettingDeclaration> Settings => [];

        public Task Entered => _entered.Task;

        public int MostAtOnce { get; private set; }

        public IReadOnlyList<string> Searched => _searched;

        public void Open() => _gate.Set();

        public Reply Suggest(Study study, int count, CancellationToken cancellationToken)
        {
            lock (_searched)
            {
                _searched.Add(study.Name);
                MostAtOnce = Math.Max(MostAtOnce, ++_running);
            }

            _ = _entered.TrySetResult();
            _gate.Wait(cancellationToken);
            lock (_searched)
            {
                _running--;
            }

            return new([new([new("a", "0.5")])]);
        }

        public void Dispose() => _gate.Dispose();
    }
}
