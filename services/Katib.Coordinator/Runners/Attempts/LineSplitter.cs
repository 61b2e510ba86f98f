using System.Buffers;
using System.Text;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>Makes lines of bytes as they come: a line feed ends one, and so does a carriage return.</summary>
/// <remarks>
/// Progress bars write carriage returns only. Empty lines are left out; of a line that is too long its beginning
/// counts; bytes that are no UTF-8 become replacement characters.
/// </remarks>
internal sealed class LineSplitter(int limit)
{
    /// <summary>Longer lines are cut: no metric is that far from its line's beginning.</summary>
    public const int DefaultLimit = 1024 * 1024;

    private static readonly SearchValues<byte> Breaks = SearchValues.Create("\r\n"u8);

    private readonly ArrayBufferWriter<byte> _held = new();

    /// <summary>Adds to <paramref name="lines"/> what these bytes complete; holds the rest.</summary>
    public void Split(ReadOnlySpan<byte> bytes, List<string> lines)
    {
        while (bytes.IndexOfAny(Breaks) is var end && end >= 0)
        {
            Hold(bytes[..end]);
            Finish(lines);
            bytes = bytes[(end + 1)..];
        }

        Hold(bytes);
    }

    /// <summary>Takes what is held for a line.</summary>
    public void Finish(List<string> lines)
    {
        if (_held.WrittenCount > 0)
        {
            lines.Add(Encoding.UTF8.GetString(_held.WrittenSpan));
            _held.ResetWrittenCount();
        }
    }

    /// <summary>Forgets what is held.</summary>
    public void Drop() => _held.ResetWrittenCount();

    private void Hold(ReadOnlySpan<byte> bytes) =>
        _held.Write(bytes[..Math.Min(bytes.Length, limit - _held.WrittenCount)]);
}
