using System.Buffers;
using System.Globalization;
using System.Text;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>A line of a container's log: its time, and how many lines up to it have that time.</summary>
/// <param name="Time">In a form whose order is that of times; empty before the first line.</param>
/// <param name="Count">At least 1, but for the beginning.</param>
internal readonly record struct LogPlace(string Time, int Count)
{
    public static LogPlace Beginning { get; } = new("", 0);

    /// <summary>The whole second of it, as the API takes it.</summary>
    public string Second => $"{Time[..Time.IndexOf('.', StringComparison.Ordinal)]}Z";
}

/// <summary>Takes whole lines of a log, without their times; <c>last</c> is the place of the last of them.</summary>
internal delegate ValueTask TakeLines(ReadOnlyMemory<byte> lines, LogPlace last, CancellationToken cancellationToken);

/// <summary>Reads what a container of a pod prints, each line once.</summary>
/// <remarks>
/// A node keeps the newest part of a log only, so a length does not say where a reader has ended. The time that the node has
/// put on each line does: after a broken connection, or in the next life of the coordinator, the log is asked for from the
/// second of the last line on, and what is not after that line is passed over.
/// </remarks>
/// <param name="open">Asks for the log, given the parameters of the query beside <c>timestamps=true</c>.</param>
/// <param name="last">The last line that is known already.</param>
/// <param name="take">Takes the others.</param>
internal sealed class PodLog(Func<string, CancellationToken, Task<Stream>> open, LogPlace last, TakeLines take)
{
    private const int ChunkSize = 64 * 1024;

    /// <summary>A line that is longer is passed on as it comes.</summary>
    private const int LongestLine = 1024 * 1024;

    private LogPlace _last = last;

    /// <summary>Reads what is there already, and with <paramref name="follow"/> what comes until the container's end.</summary>
    public async Task ReadAsync(bool follow, CancellationToken cancellationToken)
    {
        var since = _last == LogPlace.Beginning ? "" : $"&sinceTime={_last.Second}";
        await using var log = await open($"{(follow ? "&follow=true" : "")}{since}", cancellationToken);
        var known = _last;
        var pending = new ArrayBufferWriter<byte>(ChunkSize);
        while (await log.ReadAsync(pending.GetMemory(ChunkSize), cancellationToken) is var read && read > 0)
        {
            pending.Advance(read);
            var end = pending.WrittenSpan.LastIndexOf((byte)'\n') + 1;
            if (end is 0 && pending.WrittenCount > LongestLine)
            {
                end = pending.WrittenCount;
            }

            if (end > 0)
            {
                var rest = pending.WrittenMemory[end..].ToArray();
                known = await PassOnAsync(pending.WrittenMemory[..end], known, cancellationToken);
                pending.ResetWrittenCount();
                pending.Write(rest);
            }
        }

        _ = await PassOnAsync(pending.WrittenMemory, known, cancellationToken);
    }

    /// <summary>Passes on the lines behind what is known; returns what is left to pass over.</summary>
    private async Task<LogPlace> PassOnAsync(ReadOnlyMemory<byte> lines, LogPlace known, CancellationToken cancellationToken)
    {
        var fresh = new ArrayBufferWriter<byte>();
        while (!lines.IsEmpty)
        {
            var end = lines.Span.IndexOf((byte)'\n') + 1;
            var line = lines[..(end is 0 ? lines.Length : end)];
            lines = lines[line.Length..];
            var (time, text) = Split(line.Span);
            var order = string.CompareOrdinal(time, known.Time);
            if (time.Length > 0 && order <= 0 && known != LogPlace.Beginning)
            {
                if (order < 0 || known.Count > 0)
                {
                    known = order < 0 ? known : known with { Count = known.Count - 1 };
                    continue;
                }
            }

            _last = time.Length is 0 ? _last : time == _last.Time ? _last with { Count = _last.Count + 1 } : new(time, 1);
            fresh.Write(line.Span[text..]);
        }

        if (fresh.WrittenCount > 0)
        {
            await take(fresh.WrittenMemory, _last, cancellationToken);
        }

        return known;
    }

    /// <summary>The time of a line, and where the line itself begins.</summary>
    private static (string Time, int Text) Split(ReadOnlySpan<byte> line)
    {
        const int longest = 40;
        const string seconds = "yyyy-MM-ddTHH:mm:ss";
        var end = line[..Math.Min(line.Length, longest)].IndexOf((byte)' ');
        if (end <= seconds.Length)
        {
            return ("", 0);
        }

        // The fraction apart: it has more digits than a parsed time keeps.
        var text = Encoding.ASCII.GetString(line[..end]);
        var fraction = text[seconds.Length] is '.' ? string.Concat(text[(seconds.Length + 1)..].TakeWhile(char.IsAsciiDigit)) : "";
        var withoutFraction = text.Remove(seconds.Length, fraction.Length > 0 ? fraction.Length + 1 : 0);
        return DateTimeOffset.TryParse(withoutFraction, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time)
            ? ($"{time.UtcDateTime.ToString(seconds, CultureInfo.InvariantCulture)}.{fraction.PadRight(9, '0')}", end + 1)
            : ("", 0);
    }
}
