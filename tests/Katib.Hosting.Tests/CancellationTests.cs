using System.Collections.Immutable;
using Grpc.Core;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using static Katib.Hosting.Tests.Requests;

namespace Katib.Hosting.Tests;

public sealed class CancellationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

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

    /// <summary>A heavy request of each algorithm, and how soon it must end when nobody waits any more.</summary>
    [Theory]
    [InlineData("random")]
    [InlineData("grid")]
    [InlineData("bayesianoptimization")]
    public async Task Every_algorithm_stops_within_a_second(string algorithm)
    {
        var watched = new Watched(algorithm switch
        {
            "grid" => new GridSearch(),
            "random" => new RandomSearch(),
            _ => new BayesianOptimization(),
        });
        await using var service = await KestrelReplica.StartAsync(algorithm, watched, Token);
        var request = Large(algorithm, trials: 3_000, parameters: 20, static t => t % 97 / 97.0);
        request.CurrentRequestNumber = 10_000;
        request.TotalRequestNumber = 500_000;

        var running = 0;
        foreach (var milliseconds in (int[])[0, 20, 100, 300, 900])
        {
            using var caller = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var call = Record.ExceptionAsync(async () =>
                await service.Client.GetSuggestionsAsync(request, cancellationToken: caller.Token)).AsTask();
            _ = await watched.Starts.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);
            await Task.WhenAny(call, Task.Delay(milliseconds, Token));
            running += call.IsCompleted ? 0 : 1;
            await caller.CancelAsync();
            _ = await call;
        }

        await watched.Idle.WaitAsync(Patience, Token);
        TestContext.Current.SendDiagnosticMessage(
            "{0}: stops within {1:0.0} ms; {2} of 5 were still running",
            algorithm,
            watched.LongestOverrun.TotalMilliseconds,
            running);
        Assert.NotEqual(0, running);
        Assert.InRange(watched.LongestOverrun, TimeSpan.Zero, TimeSpan.FromSeconds(1));
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
