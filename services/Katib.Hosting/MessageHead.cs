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

    /// <summary>The name of the experiment in a message with its prefix; empty where it does not stand at the beginning.</summary>
    public static string ExperimentName(ReadOnlySequence<byte> body)
    {
        var reader = new SequenceReader<byte>(body.Slice(Math.Min(PrefixLength, body.Length)));
        return TryReadFirstField(ref reader, out _)
            && TryReadFirstField(ref reader, out var length)
            && length <= NameLength
            && reader.TryReadExact((int)length, out var name)
                ? Encoding.UTF8.GetString(name)
                : "";
    }

    /// <summary>Reads a number of protobuf's; false at the end, or where there is none.</summary>
    public static bool TryReadVarint(ref SequenceReader<byte> reader, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && reader.TryRead(out var digits); shift += 7)
        {
            value |= (ulong)(digits & 0x7f) << shift;
            if (digits < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryReadFirstField(ref SequenceReader<byte> reader, out ulong length)
    {
        length = 0;
        return reader.TryRead(out var tag) && tag is FirstField && TryReadVarint(ref reader, out length);
    }
}
