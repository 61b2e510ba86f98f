using System.Buffers;
using System.IO.Pipelines;

namespace Katib.Hosting.Tests;

public sealed class UnreadBodyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Pipe _pipe = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_examined_stays_examined_and_nothing_is_taken()
    {
        var reader = new Recorder(_pipe.Reader);
        var body = new UnreadBody(reader, TimeProvider.System, Token);

        _ = await _pipe.Writer.WriteAsync(new byte[3], Token);
        var first = body.LookAsync(5, Patience, static b => b.Length);
        _ = await _pipe.Writer.WriteAsync(new byte[7], Token);
        var seen = await first;
        var more = await body.LookAsync(8, Patience, static b => b.Length);
        var rest = body.LookAsync(100, Patience, static b => b.Length);
        _ = await _pipe.Writer.WriteAsync(new byte[10], Token);
        await _pipe.Writer.CompleteAsync();
        var all = await rest;
        var again = await body.LookAsync(1, Patience, static b => b.Length);

        Assert.Equal((10, 10, 20, 20), (seen, more, all, again));
        Assert.Equal(reader.Examined.Order(), reader.Examined);
        Assert.Equal(3, reader.Examined[1]);
        Assert.All(reader.Consumed, static c => Assert.Equal(0, c));
    }

    /// <summary>Passes everything on, and remembers how far the body was examined and consumed.</summary>
    private sealed class Recorder(PipeReader inner) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;

        public List<long> Examined { get; } = [];

        public List<long> Consumed { get; } = [];

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            Consumed.Add(_buffer.Slice(0, consumed).Length);
            Examined.Add(_buffer.Slice(0, examined).Length);
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var result = await inner.ReadAsync(cancellationToken);
            _buffer = result.Buffer;
            return result;
        }

        public override bool TryRead(out ReadResult result)
        {
            var isRead = inner.TryRead(out result);
            _buffer = result.Buffer;
            return isRead;
        }
    }
}
