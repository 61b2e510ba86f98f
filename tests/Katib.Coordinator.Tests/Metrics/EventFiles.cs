using System.Buffers.Binary;
using Google.Protobuf;
using Katib.Proto.TensorFlow;

namespace Katib.Coordinator.Tests.Metrics;

/// <summary>Event files as TensorFlow and PyTorch write them.</summary>
internal static class EventFiles
{
    /// <summary>The first record of every file of TensorFlow 2: its version and no value.</summary>
    public static byte[] Head { get; } =
        Record([0x09, 0, 0, 0x40, 0x53, 0x42, 0x67, 0xd8, 0x41, 0x1a, 13, .. "brain.Event:2"u8]);

    /// <summary>A number as PyTorch and TensorFlow 1 write it.</summary>
    public static byte[] Simple(string tag, float value, long step = 0, double time = 1637681485.25) =>
        Record(new Event { WallTime = time, Step = step, Summary = new() { Value = { new Summary.Types.Value { Tag = tag, SimpleValue = value } } } });

    /// <summary>A number as TensorFlow 2 writes it.</summary>
    public static byte[] Tensor(string tag, float value, long step = 0)
    {
        var bytes = new byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        return Tensor(tag, new TensorProto { Dtype = DataType.DtFloat, TensorShape = new(), TensorContent = ByteString.CopyFrom(bytes) }, step);
    }

    public static byte[] Tensor(string tag, TensorProto tensor, long step = 0) =>
        Record(new Event { WallTime = 1637681485.25, Step = step, Summary = new() { Value = { new Summary.Types.Value { Tag = tag, Tensor = tensor } } } });

    public static byte[] Record(Event happened) => Record(happened.ToByteArray());

    public static byte[] Record(byte[] data)
    {
        var length = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)data.Length);
        return [.. length, .. Checksum(length), .. data, .. Checksum(data)];
    }

    /// <summary>A command of the shell that writes these bytes to its output.</summary>
    public static string Printf(byte[] bytes) =>
        $"printf '{string.Concat(bytes.Select(static b => "\\" + Convert.ToString(b, 8).PadLeft(3, '0')))}'";

    /// <summary>Bit by bit, as CRC-32C is defined (RFC 3720, appendix B.4), and masked as TensorFlow masks it.</summary>
    private static byte[] Checksum(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) is 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
            }
        }

        crc = ~crc;
        var masked = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(masked, ((crc >> 15) | (crc << 17)) + 0xa282ead8);
        return masked;
    }
}
