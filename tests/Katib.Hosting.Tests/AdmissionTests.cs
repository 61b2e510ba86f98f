using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Katib.Hosting.Tests;

public sealed class AdmissionTests
{
    private const int Budget = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_fits_together_is_in_work_together()
    {
        await using var admission = new Admission(Budget);

        var calls = new[] { new Call(admission, 60), new Call(admission, 40) };

        await Task.WhenAll(calls.Select(static c => c.Entered)).WaitAsync(Patience, TestContext.Current.CancellationToken);
        await LeaveAsync(calls);
    }

    [Fact]
    public async Task What_does_not_fit_waits_until_it_does()
    {
        await using var admission = new Admission(Budget);
        var first = new Call(admission, 60);
        await first.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);

        var second = new Call(admission, 60);
        var waited = !second.Entered.IsCompleted;
        first.Leave();

        Assert.True(waited);
        await second.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await LeaveAsync(first, second);
    }

    [Fact]
    public async Task A_message_above_the_budget_is_in_work_alone()
    {
        await using var admission = new Admission(Budget);
        var large = new Call(admission, uint.MaxValue);
        await large.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);

        var small = new Call(admission, 1);
        var waited = !small.Entered.IsCompleted;
        large.Leave();

        Assert.True(waited);
        await small.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await LeaveAsync(large, small);
    }

    [Fact]
    public async Task When_too_much_waits_the_answer_is_RESOURCE_EXHAUSTED()
    {
        await using var admission = new Admission(Budget);
        var waiting = Enumerable.Range(0, 5).Select(_ => new Call(admission, Budget)).ToArray();

        var refused = new Call(admission, Budget);
        await refused.Done.WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.False(refused.Entered.IsCompleted);
        Assert.Equal(StatusCodes.Status200OK, refused.Context.Response.StatusCode);
        Assert.Equal("application/grpc", refused.Context.Response.ContentType);
        Assert.Equal("8", refused.Context.Response.Headers["grpc-status"]);
        Assert.Equal(
            "Too many large requests wait already; try again later.", refused.Context.Response.Headers["grpc-message"]);
        await LeaveAsync(waiting);
    }

    [Fact]
    public async Task All_that_waited_is_let_in_oldest_first()
    {
        await using var admission = new Admission(Budget);
        var calls = Enumerable.Range(0, 5).Select(_ => new Call(admission, Budget)).ToArray();

        for (var i = 0; i < calls.Length; i++)
        {
            await calls[i].Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);
            Assert.All(calls[(i + 1)..], static later => Assert.False(later.Entered.IsCompleted));
            calls[i].Leave();
        }

        await LeaveAsync(calls);
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_its_place()
    {
        await using var admission = new Admission(Budget);
        var first = new Call(admission, Budget);
        using var aborted = new CancellationTokenSource();
        var impatient = new Call(admission, Budget, aborted.Token);
        var last = new Call(admission, Budget);

        await aborted.CancelAsync();
        first.Leave();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.Done);
        await last.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await LeaveAsync(first, last);
    }

    [Fact]
    public async Task The_length_is_read_even_when_it_comes_in_pieces_and_nothing_is_taken_away()
    {
        await using var admission = new Admission(Budget);
        var call = new Call(admission);
        byte[] message = [0, 0, 0, 0, 3, 7, 8, 9];

        foreach (var piece in message)
        {
            _ = await call.Body.WriteAsync(new[] { piece }, TestContext.Current.CancellationToken);
        }

        await call.Body.CompleteAsync();
        await call.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await call.Context.Request.BodyReader.CopyToAsync(call.Read, TestContext.Current.CancellationToken);
        Assert.Equal(message, call.Read.ToArray());
        await LeaveAsync(call);
    }

    [Fact]
    public async Task A_body_that_ends_before_its_length_is_left_to_gRPC()
    {
        await using var admission = new Admission(Budget);
        var call = new Call(admission);

        _ = await call.Body.WriteAsync(new byte[] { 0, 0 }, TestContext.Current.CancellationToken);
        await call.Body.CompleteAsync();

        await call.Entered.WaitAsync(Patience, TestContext.Current.CancellationToken);
        await LeaveAsync(call);
    }

    private static async Task LeaveAsync(params Call[] calls)
    {
        foreach (var call in calls)
        {
            call.Leave();
            await call.Done.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A request that stays in work until it is told to leave.</summary>
    private sealed class Call : IRequestBodyPipeFeature
    {
        private readonly Pipe _pipe = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _leave = new();

        public Call(Admission admission, uint? length = null)
            : this(admission, length, CancellationToken.None)
        {
        }

        /// <summary>A call whose message announces the given length; it enters at once, or it waits.</summary>
        public Call(Admission admission, uint? length, CancellationToken aborted)
        {
            Context = new() { RequestAborted = aborted };
            Context.Features.Set<IRequestBodyPipeFeature>(this);
            if (length is { } announced)
            {
                var prefix = new byte[5];
                BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(1), announced);
                Body.Write(prefix);
                _ = Body.FlushAsync(CancellationToken.None).AsTask();
            }

            Done = admission.InvokeAsync(Context, _ =>
            {
                _entered.SetResult();
                return _leave.Task;
            });
        }

        public DefaultHttpContext Context { get; }

        public Task Done { get; }

        public Task Entered => _entered.Task;

        public PipeWriter Body => _pipe.Writer;

        public MemoryStream Read { get; } = new();

        PipeReader IRequestBodyPipeFeature.Reader => _pipe.Reader;

        public void Leave() => _leave.TrySetResult();
    }
}
