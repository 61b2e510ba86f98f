using System.Collections.Immutable;
using Grpc.Core;
using static Katib.Hosting.Tests.Requests;

namespace Katib.Hosting.Tests;

public sealed class CancellationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_caller_that_gives_up_stops_the_search()
    {
        using var algorithm = new Endless();
        await using var service = await KestrelReplica.StartAsync("endless", algorithm, Token);
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var call = service.Client.GetSuggestionsAsync(
            Ask(Experiment("endless", Real("a", "0", "1")), 1), cancellationToken: caller.Token);
        await algorithm.Started.WaitAsync(Patience, Token);
        await caller.CancelAsync();

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.Cancelled, refused.StatusCode);
        await algorithm.Stopped.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task A_deadline_stops_the_search()
    {
        using var algorithm = new Endless();
        await using var service = await KestrelReplica.StartAsync("endless", algorithm, Token);

        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(1);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await service.Client.GetSuggestionsAsync(
            Ask(Experiment("endless", Real("a", "0", "1")), 1), deadline: deadline, cancellationToken: Token));

        Assert.Equal(StatusCode.DeadlineExceeded, refused.StatusCode);
        await algorithm.Stopped.WaitAsync(Patience, Token);
    }

    /// <summary>Searches until it is told to stop.</summary>
    private sealed class Endless : ISearchAlgorithm, IDisposable
    {
        private readonly TaskCompletionSource _started = new();
        private readonly TaskCompletionSource _stopped = new();
        private readonly ManualResetEventSlim _never = new();

        public ImmutableArray<SettingDeclaration> Settings => [];

        public Task Started => _started.Task;

        public Task Stopped => _stopped.Task;

        public Reply Suggest(Study study, int count, CancellationToken cancellationToken)
        {
            _ = _started.TrySetResult();
            try
            {
                _never.Wait(cancellationToken);
                return new([]);
            }
            finally
            {
                _ = _stopped.TrySetResult();
            }
        }

        public void Dispose() => _never.Dispose();
    }
}
