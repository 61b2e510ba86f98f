using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Katib.Coordinator.Metrics.Events;

/// <summary>Reads the records of an event file as it grows, from its beginning.</summary>
/// <remarks>
/// A record is TensorFlow's TFRecord: its length in 8 bytes, the masked CRC-32C of these, the data, and the masked CRC-32C
/// of the data in 4 bytes each, all little-endian. A record that is not whole yet is waited for.
/// </remarks>
internal sealed class EventRecords(string path)
{
    private const int HeadSize = sizeof(ulong) + sizeof(uint);

    /// <summary>Longer ones, of graphs and images, are passed over.</summary>
    private const int LongestRead = 16 * 1024 * 1024;

    private const uint MaskDelta = 0xa282ead8;

    private long _position;

    /// <summary>What is wrong with the file, as a sentence without its name; null while nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>The data of the whole records since the last call.</summary>
    public IEnumerable<byte[]> ReadNew()
    {
        using var file = TryOpen();
        if (file is null)
        {
            yield break;
        }

        var size = RandomAccess.GetLength(file);
        if (size < _position)
        {
            _position = 0;
        }

        while (Next(file, size) is { } data)
        {
            if (data.Length > 0)
            {
                yield return data;
            }
        }
    }

    /// <summary>The next record's data, empty for one that is passed over; null when there is none to read.</summary>
    private byte[]? Next(SafeFileHandle file, long size)
    {
        Span<byte> head = stackalloc byte[HeadSize];
        if (size - _position < HeadSize || RandomAccess.Read(file, head, _position) < HeadSize)
        {
            return null;
        }

        // Without the length the next record cannot be found.
        if (MaskedCrc(head[..sizeof(ulong)]) != BinaryPrimitives.ReadUInt32LittleEndian(head[sizeof(ulong)..]))
        {
            Problem = FormattableString.Invariant($"holds no record at byte {_position}: the checksum of its length is wrong.");
            return null;
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(head);
        var left = size - _position - HeadSize - sizeof(uint);
        if (left < 0 || length > (ulong)left)
        {
            return null;
        }

        var at = _position + HeadSize;
        if (length > LongestRead)
        {
            _position = at + (long)length + sizeof(uint);
            return [];
        }

        var record = new byte[(int)length + sizeof(uint)];
        if (RandomAccess.Read(file, record, at) < record.Length)
        {
            return null;
        }

        _position = at + record.Length;
        var data = record[..(int)length];
        if (MaskedCrc(data) == BinaryPrimitives.ReadUInt32LittleEndian(record.AsSpan((int)length)))
        {
            return data;
        }

        Problem = FormattableString.Invariant($"has a damaged record at byte {at - HeadSize}: the checksum of its data is wrong.");
        return [];
    }

    private static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return BitOperations.RotateRight(~crc, 15) + MaskDelta;
    }

    private SafeFileHandle? TryOpen()
    {
        try
        {
            // A pipe has no length, and opening it would wait for its writer.
            return new FileInfo(path) is { Exists: true, Length: > 0 }
                ? File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete)
                : null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
