using System.Buffers;
using System.Text;

namespace Katib.Hosting;

/// <summary>What the first bytes of a gRPC request tell, before it is read.</summary>
internal readonly record struct MessageHead(byte Compression, uint Length)
{
    /// <summary>A byte for the compression and four for the length stand in front of every message.</summary>
    public const int PrefixLength = 5;

    /// <summary>Enough for the name of an experiment, which every known writer puts first.</summary>
    public const int NameLength = 512;

    /// <summary>Field 1 with a length: the experiment in a request, and the name in an experiment.</summary>
    private const byte FirstField = 0x0a;

    /// <summary>Reads the prefix; null when the body ends before it does.</summary>
    public static MessageHead? Read(ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(body);
        return reader.TryRead(out var compression) && reader.TryReadBigEndian(out int length)
            ? new(compression, (uint)length)
            : null;
    }

    /// <summary>The name of the experiment in a message with its prefix.</summary>
    public static string FramedName(ReadOnlySequence<byte> body) =>
        ExperimentName(body.Slice(Math.Min(PrefixLength, body.Length)));

    /// <summary>The name of the experiment in a message; empty where it does not stand at the beginning.</summary>
    public static string ExperimentName(ReadOnlySequence<byte> message)
    {
        var reader = new SequenceReader<byte>(message);
        return TryReadField(ref reader, out _)
            && TryReadField(ref reader, out var length)
            && length <= NameLength
            && reader.TryReadExact((int)length, out var name)
                ? Encoding.UTF8.GetString(name)
                : "";
    }

    private static bool TryReadField(ref SequenceReader<byte> reader, out ulong length)
    {
        length = 0;
        if (!reader.TryRead(out var tag) || tag is not FirstField)
        {
            return false;
        }

        for (var shift = 0; shift < 35 && reader.TryRead(out var digits); shift += 7)
        {
            length |= (ulong)(digits & 0x7f) << shift;
            if (digits < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
