using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace Katib.Hosting;

/// <summary>The body of a call, to be looked at before it is read.</summary>
/// <remarks>
/// What has been examined is what HTTP/2 sends more for: only what is not enough counts as examined, and the rest stays
/// with its sender. It must never be less than before, for Kestrel would take the difference from the window that it has
/// given, and break the connection off when the sender uses it (FLOW_CONTROL_ERROR).
/// </remarks>
internal sealed class UnreadBody(PipeReader body, TimeProvider time, CancellationToken gaveUp)
{
    private long _examined;

    /// <summary>Looks at the body, without taking any of it, when so many bytes are there or it has ended.</summary>
    /// <exception cref="RpcException">They have not arrived in time.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async ValueTask<T> LookAsync<T>(long enough, TimeSpan patience, Func<ReadOnlySequence<byte>, T> look)
    {
        // Nearly always everything is there.
        if (body.TryRead(out var there) && TryLook(there, out var seen))
        {
            return seen;
        }

        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(gaveUp, late.Token);
        try
        {
            while (true)
            {
                if (TryLook(await body.ReadAsync(either.Token), out seen))
                {
                    return seen;
                }
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !gaveUp.IsCancellationRequested)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.DeadlineExceeded, $"The message has not arrived within {patience.TotalSeconds} s.");
        }

        bool TryLook(ReadResult read, out T seen)
        {
            var isEnough = read.IsCompleted || read.Buffer.Length >= enough;
            seen = isEnough ? look(read.Buffer) : default!;
            _examined = isEnough ? _examined : read.Buffer.Length;
            body.AdvanceTo(read.Buffer.Start, read.Buffer.GetPosition(_examined));
            return isEnough;
        }
    }
}
