using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using static Katib.Hosting.Tests.Requests;

namespace Katib.Hosting.Tests;

public sealed class AdmissionTests
{
    private const int Budget = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly ServiceLimits Limits = new()
    {
        MessageBytes = 1000,
        BytesInWork = Budget,
        Searches = 1,
        Waiting = 4,
        Requests = 20,
    };

    private static readonly ServiceLimits Impatient = Limits with
    {
        Beginning = TimeSpan.FromMilliseconds(50),
        Arrival = TimeSpan.FromMilliseconds(50),
    };

    private readonly Admission _admission = new(Limits, TimeProvider.System);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_fits_together_is_in_work_together()
    {
        var calls = new[] { new Call(_admission, 60), new Call(_admission, 40) };

        await Task.WhenAll(calls.Select(static c => c.Entered)).WaitAsync(Patience, Token);
        await LeaveAsync(calls);
    }

    [Theory]
    [InlineData(60, 60)]
    [InlineData(1000, 1)]
    public async Task What_does_not_fit_waits_until_it_does(int length, int nextLength)
    {
        var first = new Call(_admission, length);
        await first.Entered.WaitAsync(Patience, Token);

        var second = new Call(_admission, nextLength);
        var waited = !second.Entered.IsCompleted && _admission.Waiting is 1;
        first.Leave();

        Assert.True(waited);
        await second.Entered.WaitAsync(Patience, Token);
        await LeaveAsync(first, second);
    }

    [Fact]
    public async Task When_too_much_waits_the_answer_is_RESOURCE_EXHAUSTED()
    {
        var waiting = Enumerable.Range(0, 5).Select(_ => new Call(_admission, Budget)).ToArray();

        var refused = new Call(_admission, Budget);

        await AssertRefusedAsync(
            refused, StatusCode.ResourceExhausted, "Too many requests wait already; try again later.");
        await LeaveAsync(waiting);
    }

    [Fact]
    public async Task Experiments_take_turns_whatever_one_of_them_has_sent()
    {
        var first = new Call(_admission, Named("flood"));
        var flood = Enumerable.Range(0, 3).Select(_ => new Call(_admission, Named("flood"))).ToArray();
        var other = new Call(_admission, Named("other"));

        first.Leave();
        await flood[0].Entered.WaitAsync(Patience, Token);
        flood[0].Leave();

        await other.Entered.WaitAsync(Patience, Token);
        await LeaveAsync([first, flood[0], other, .. flood[1..]]);
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_its_place()
    {
        var first = new Call(_admission, Budget);
        using var aborted = new CancellationTokenSource();
        var impatient = new Call(_admission, Message(Budget), aborted: aborted.Token);
        var last = new Call(_admission, Budget);

        await aborted.CancelAsync();
        first.Leave();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.Done);
        await last.Entered.WaitAsync(Patience, Token);
        await LeaveAsync(first, last);
    }

    [Fact]
    public async Task What_waits_beyond_its_deadline_is_never_started()
    {
        var first = new Call(_admission, Budget);

        var late = new Call(_admission, Message(Budget), "50m");

        await AssertRefusedAsync(late, StatusCode.DeadlineExceeded, "The deadline has passed before the work began.");
        await LeaveAsync(first);
        await LeaveAsync(new Call(_admission, Budget));
    }

    [Fact]
    public async Task The_clock_of_a_deadline_does_not_begin_anew_when_the_work_does()
    {
        var first = new Call(_admission, Budget);
        var second = new Call(_admission, Message(Budget), "60S");

        first.Leave();
        await second.Entered.WaitAsync(Patience, Token);

        var left = GrpcTimeout.Parse(second.Context.Request.Headers[GrpcTimeout.Header])!.Value;
        Assert.InRange(left, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(59_999));
        await LeaveAsync(first, second);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(40)]
    public async Task A_message_that_does_not_come_holds_its_place_for_a_while_only(int bytes)
    {
        var admission = new Admission(Impatient, TimeProvider.System);

        var loris = new Call(admission, Message(Budget)[..bytes], isComplete: false);

        await AssertRefusedAsync(
            loris, StatusCode.DeadlineExceeded, "The message has not arrived within 0.05 s.");
        await LeaveAsync(new Call(admission, Budget));
    }

    [Fact]
    public async Task A_large_message_that_stops_half_way_frees_the_budget_that_it_had()
    {
        var admission = new Admission(Impatient, TimeProvider.System);

        var loris = new Call(admission, Message(900)[..600], isComplete: false);
        var other = new Call(admission, Budget);

        await AssertRefusedAsync(
            loris, StatusCode.DeadlineExceeded, "The message has not arrived within 0.05 s.");
        await other.Entered.WaitAsync(Patience, Token);
        await LeaveAsync(other);
    }

    [Fact]
    public async Task Before_its_message_is_there_a_small_request_holds_no_budget()
    {
        var loris = new Call(_admission, Message(Budget)[..50], isComplete: false);

        var other = new Call(_admission, Budget);

        await other.Entered.WaitAsync(Patience, Token);
        _ = await loris.Body.WriteAsync(Message(Budget).AsMemory(50), Token);
        await loris.Body.CompleteAsync();
        await LeaveAsync(other, loris);
    }

    [Fact]
    public async Task More_requests_than_may_be_here_are_refused_even_when_none_has_arrived_whole()
    {
        var arriving = Enumerable.Range(0, 20).Select(_ => new Call(_admission, [], isComplete: false)).ToArray();

        var refused = new Call(_admission, 1);

        await AssertRefusedAsync(
            refused, StatusCode.ResourceExhausted, "20 requests are here already; try again later.");
        foreach (var call in arriving)
        {
            await call.Body.CompleteAsync();
            await call.Done.WaitAsync(Patience, Token);
        }

        await LeaveAsync(new Call(_admission, 1));
    }

    [Fact]
    public async Task A_message_above_the_limit_is_refused_by_its_announcement()
    {
        var refused = new Call(_admission, Message(1001)[..5], isComplete: false);

        await AssertRefusedAsync(
            refused,
            StatusCode.ResourceExhausted,
            "The message has 1001 bytes; this instance has the memory to read 1000.");
    }

    [Fact]
    public async Task The_message_is_awaited_even_when_it_comes_in_pieces_and_nothing_is_taken_away()
    {
        var call = new Call(_admission, [], isComplete: false);
        byte[] message = [0, 0, 0, 0, 3, 7, 8, 9];

        foreach (var piece in message)
        {
            _ = await call.Body.WriteAsync(new[] { piece }, Token);
        }

        await call.Body.CompleteAsync();
        await call.Entered.WaitAsync(Patience, Token);
        using var read = new MemoryStream();
        await call.Context.Request.BodyReader.CopyToAsync(read, Token);
        Assert.Equal(message, read.ToArray());
        await LeaveAsync(call);
    }

    [Theory]
    [InlineData(new byte[0], StatusCode.InvalidArgument, "The request holds no message.")]
    [InlineData(new byte[] { 0, 0 }, StatusCode.InvalidArgument, "The request holds no message.")]
    [InlineData(
        new byte[] { 0, 0, 0, 0, 3, 1, 2 },
        StatusCode.InvalidArgument,
        "The message announces 3 bytes, but 2 or more follow.")]
    [InlineData(
        new byte[] { 0, 0, 0, 0, 1, 1, 2 },
        StatusCode.InvalidArgument,
        "The message announces 1 bytes, but 2 or more follow.")]
    [InlineData(
        new byte[] { 1, 0, 0, 0, 1, 1 },
        StatusCode.Unimplemented,
        "Compressed messages are not read; send them as they are.")]
    public async Task What_is_no_message_is_refused_in_words(byte[] body, StatusCode code, string detail)
    {
        await AssertRefusedAsync(new Call(_admission, body), code, detail);
    }

    [Fact]
    public async Task What_is_not_gRPC_at_all_is_left_to_gRPC_to_refuse()
    {
        var call = new Call(_admission, Message(Budget), contentType: "text/plain");

        await LeaveAsync(call);
    }

    [Fact]
    public void The_name_of_an_experiment_is_found_at_the_beginning_or_not_at_all()
    {
        var named = Ask(Experiment("random", Real("a", "0", "1")), 1).ToByteArray();

        var names = new[] { named, named[..3], [], [0x0a], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x12, 0x01, 0x41] }
            .Select(static m => MessageHead.ExperimentName(new([.. new byte[5], .. m])));

        Assert.Equal(["study", "", "", "", "", ""], names);
    }

    private static byte[] Named(string experiment)
    {
        var message = new Api.V1.Beta1.GetSuggestionsRequest { Experiment = new() { Name = experiment } };
        message.Experiment.Spec = new() { Algorithm = new() { AlgorithmName = new('x', Budget) } };
        return Framed(message.ToByteArray());
    }

    private static byte[] Message(int length) => Framed(new byte[length]);

    private static byte[] Framed(byte[] message)
    {
        var framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    private static async Task AssertRefusedAsync(Call call, StatusCode code, string detail)
    {
        await call.Done.WaitAsync(Patience, Token);

        Assert.False(call.Entered.IsCompleted);
        Assert.Equal(StatusCodes.Status200OK, call.Context.Response.StatusCode);
        Assert.Equal("application/grpc", call.Context.Response.ContentType);
        Assert.Equal(detail, call.Context.Response.Headers["grpc-message"]);
        Assert.Equal(
            ((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture),
            call.Context.Response.Headers["grpc-status"]);
    }

    private static async Task LeaveAsync(params Call[] calls)
    {
        foreach (var call in calls)
        {
            call.Leave();
            await call.Done.WaitAsync(Patience, Token);
            Assert.True(call.Entered.IsCompletedSuccessfully);
        }
    }

    /// <summary>A request that stays in work until it is told to leave.</summary>
    private sealed class Call : IRequestBodyPipeFeature
    {
        private readonly Pipe _pipe = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _leave = new();

        /// <summary>A call with a message of so many bytes; it enters at once, or it waits.</summary>
        public Call(Admission admission, int length)
            : this(admission, Message(length))
        {
        }

        public Call(
            Admission admission,
            byte[] body,
            string? timeout = null,
            bool isComplete = true,
            string contentType = "application/grpc",
            CancellationToken aborted = default)
        {
            Context = new() { RequestAborted = aborted };
            Context.Features.Set<IRequestBodyPipeFeature>(this);
            Context.Request.ContentType = contentType;
            Context.Request.Headers[GrpcTimeout.Header] = timeout;
            Body.Write(body);
            _ = Body.FlushAsync(CancellationToken.None).AsTask();
            if (isComplete)
            {
                Body.Complete();
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

        PipeReader IRequestBodyPipeFeature.Reader => _pipe.Reader;

        public void Leave() => _leave.TrySetResult();
    }
}
