using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.IO.Enumeration;
using System.Text;

namespace Katib.Coordinator.Runners.Local;

/// <summary>The processes as /proc shows them.</summary>
/// <remarks>Looked through at the end of every trial, hence bytes and one buffer instead of strings.</remarks>
internal sealed class LinuxProcessTable : IProcessTable
{
    private static readonly EnumerationOptions Shallow = new() { AttributesToSkip = 0, IgnoreInaccessible = true };

    public ValueTask<ImmutableArray<ProcessEntry>> ListAsync(TrialMarker marker, CancellationToken cancellationToken)
    {
        using var file = new ProcFile();
        var entry = Encoding.UTF8.GetBytes(marker.Entry);
        var processes = ImmutableArray.CreateBuilder<ProcessEntry>();
        foreach (var id in Ids())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ParseStat(id, file.Read(id, "stat")) is { } process)
            {
                processes.Add(process with { Marked = Bears(file.Read(id, "environ"), entry, marker.Below) });
            }
        }

        return new(processes.DrainToImmutable());
    }

    public ValueTask<bool> AnyAsync(TrialMarker marker, CancellationToken cancellationToken)
    {
        using var file = new ProcFile();
        var entry = Encoding.UTF8.GetBytes(marker.Entry);
        foreach (var id in Ids())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Bears(file.Read(id, "environ"), entry, marker.Below))
            {
                return new(true);
            }
        }

        return new(false);
    }

    public ValueTask<bool> IsRunningAsync(int id, string argument, CancellationToken cancellationToken)
    {
        using var file = new ProcFile();
        return new(Bears(file.Read(id, "cmdline"), Encoding.UTF8.GetBytes(argument), below: false));
    }

    /// <summary>Reads "pid (any name) state parent group session ..."; null for the dead.</summary>
    internal static ProcessEntry? ParseStat(int id, ReadOnlySpan<byte> stat)
    {
        var afterName = stat.LastIndexOf((byte)')') + 1;
        if (afterName is 0 || stat.Length < afterName + 3 || stat[afterName + 1] is (byte)'Z' or (byte)'X')
        {
            return null;
        }

        var rest = stat[(afterName + 3)..];
        return TakeNumber(ref rest, out var parent) && TakeNumber(ref rest, out var group)
            && TakeNumber(ref rest, out var session)
                ? new(id, parent, group, session, Marked: false)
                : null;
    }

    /// <summary>Whether one of the NUL-terminated texts is <paramref name="wanted"/>, or begins so.</summary>
    internal static bool Bears(ReadOnlySpan<byte> texts, ReadOnlySpan<byte> wanted, bool below)
    {
        for (var from = 0; from < texts.Length;)
        {
            var at = texts[from..].IndexOf(wanted);
            if (at < 0)
            {
                return false;
            }

            var start = from + at;
            var end = start + wanted.Length;
            if ((start is 0 || texts[start - 1] is 0) && (below || end == texts.Length || texts[end] is 0))
            {
                return true;
            }

            from = start + 1;
        }

        return false;
    }

    private static FileSystemEnumerable<int> Ids() =>
        new(
            "/proc",
            static (ref entry) => int.Parse(entry.FileName, NumberStyles.None, CultureInfo.InvariantCulture),
            Shallow)
        {
            ShouldIncludePredicate = static (ref entry) => !entry.FileName.ContainsAnyExceptInRange('0', '9'),
        };

    private static bool TakeNumber(ref ReadOnlySpan<byte> text, out int number)
    {
        if (!Utf8Parser.TryParse(text, out number, out var length))
        {
            return false;
        }

        text = text[Math.Min(length + 1, text.Length)..];
        return true;
    }

    /// <summary>Reads whole files of /proc into a buffer that is lent until the next read.</summary>
    private sealed class ProcFile : IDisposable
    {
        private byte[] _buffer = ArrayPool<byte>.Shared.Rent(32 * 1024);

        public ReadOnlySpan<byte> Read(int id, string name)
        {
            try
            {
                using var handle = File.OpenHandle(
                    string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/{name}"), share: FileShare.ReadWrite);
                var length = 0;
                while (true)
                {
                    var read = RandomAccess.Read(handle, _buffer.AsSpan(length), length);
                    length += read;
                    if (read is 0)
                    {
                        return _buffer.AsSpan(0, length);
                    }

                    if (length == _buffer.Length)
                    {
                        Grow();
                    }
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or of another user: no process of ours.
                return [];
            }
        }

        public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

        private void Grow()
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.CopyTo(larger, 0);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
    }
}
