namespace Katib.Hosting.Tests;

public sealed class FairQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_fits_is_let_in_at_once_and_the_rest_when_permits_come_back()
    {
        var queue = new FairQueue(permits: 10, maxWaiting: 5);
        var first = await queue.EnterAsync("a", 6, Token);

        var second = queue.EnterAsync("a", 6, Token).AsTask();
        var waited = (queue.Waiting, second.IsCompleted);
        first!.Dispose();

        Assert.Equal((1, false), waited);
        Assert.NotNull(await second.WaitAsync(Patience, Token));
        Assert.Equal(0, queue.Waiting);
    }

    [Fact]
    public async Task A_lease_that_is_returned_twice_counts_once()
    {
        var queue = new FairQueue(permits: 1, maxWaiting: 5);
        var lease = await queue.EnterAsync("a", 1, Token);

        lease!.Dispose();
        lease.Dispose();
        var next = await queue.EnterAsync("a", 1, Token);
        var last = queue.EnterAsync("a", 1, Token).AsTask();

        Assert.NotNull(next);
        Assert.False(last.IsCompleted);
    }

    [Fact]
    public async Task Whoever_floods_does_not_keep_others_waiting()
    {
        var queue = new FairQueue(permits: 1, maxWaiting: 100);
        var order = new List<string>();
        var first = await queue.EnterAsync("flood", 1, Token);
        var all = Enumerable.Repeat("flood", 50).Concat(["a", "b", "a"])
            .Select(async experiment =>
            {
                using var lease = await queue.EnterAsync(experiment, 1, Token);
                order.Add(experiment);
            })
            .ToArray();

        first!.Dispose();
        await Task.WhenAll(all).WaitAsync(Patience, Token);

        Assert.Equal(["flood", "a", "b", "flood", "a", "flood", "flood"], order.Take(7));
        Assert.Equal(53, order.Count);
    }

    [Fact]
    public async Task When_as_many_wait_as_may_the_flood_is_refused_and_not_the_newcomer()
    {
        var queue = new FairQueue(permits: 1, maxWaiting: 3);
        var first = await queue.EnterAsync("flood", 1, Token);
        var flood = Enumerable.Range(0, 3).Select(_ => queue.EnterAsync("flood", 1, Token).AsTask()).ToArray();

        var more = await queue.EnterAsync("flood", 1, Token);
        var other = queue.EnterAsync("other", 1, Token).AsTask();

        Assert.Null(more);
        Assert.Null(await flood[2].WaitAsync(Patience, Token));
        first!.Dispose();
        (await flood[0].WaitAsync(Patience, Token))!.Dispose();
        (await other.WaitAsync(Patience, Token))!.Dispose();
        Assert.NotNull(await flood[1].WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task When_everybody_waits_with_one_request_the_newcomer_is_refused()
    {
        var queue = new FairQueue(permits: 1, maxWaiting: 2);
        using var first = await queue.EnterAsync("a", 1, Token);
        _ = queue.EnterAsync("a", 1, Token).AsTask();
        _ = queue.EnterAsync("b", 1, Token).AsTask();

        var refused = await queue.EnterAsync("c", 1, Token);

        Assert.Null(refused);
        Assert.Equal(2, queue.Waiting);
    }

    [Fact]
    public async Task A_large_one_at_its_turn_is_not_overtaken_and_its_leaving_lets_others_in()
    {
        var queue = new FairQueue(permits: 10, maxWaiting: 5);
        using var first = await queue.EnterAsync("a", 5, Token);
        using var givesUp = new CancellationTokenSource();
        var large = queue.EnterAsync("large", 10, givesUp.Token).AsTask();

        var small = queue.EnterAsync("small", 1, Token).AsTask();
        var waited = !small.IsCompleted;
        await givesUp.CancelAsync();

        Assert.True(waited);
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        Assert.NotNull(await small.WaitAsync(Patience, Token));
    }

    /// <summary>A thousand callers of ten experiments, who give up now and then: at the end every permit is back.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Nothing_is_lent_twice_and_nothing_lost(ulong seed)
    {
        var queue = new FairQueue(permits: 7, maxWaiting: 40);
        var dice = new Philox(seed);
        var lent = 0;
        var most = 0;

        await Task.WhenAll(Enumerable.Range(0, 1000).Select(async i =>
        {
            var thrown = new double[3];
            dice.Fill((ulong)i, thrown);
            var weight = 1 + (int)(thrown[0] * 7);
            using var givesUp = new CancellationTokenSource(TimeSpan.FromMilliseconds(thrown[1] * 200));
            await Task.Yield();
            try
            {
                using var lease = await queue.EnterAsync($"{(int)(thrown[2] * 10)}", weight, givesUp.Token);
                if (lease is not null)
                {
                    most = Math.Max(most, Interlocked.Add(ref lent, weight));
                    await Task.Yield();
                    _ = Interlocked.Add(ref lent, -weight);
                }
            }
            catch (OperationCanceledException)
            {
                // It has given up.
            }
        })).WaitAsync(Patience, Token);

        Assert.InRange(most, 1, 7);
        Assert.Equal(0, queue.Waiting);
        Assert.NotNull(await queue.EnterAsync("last", 7, Token).AsTask().WaitAsync(Patience, Token));
    }
}
