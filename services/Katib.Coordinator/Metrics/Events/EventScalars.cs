using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Katib.Proto.TensorFlow;

namespace Katib.Coordinator.Metrics.Events;

/// <summary>One number of an event.</summary>
/// <param name="Tag">Its name, as the program gave it.</param>
/// <param name="Value">Its shortest text that gives it back.</param>
/// <param name="Time">When it was written; null where that is no time.</param>
/// <param name="Step">The training's step.</param>
internal readonly record struct EventScalar(string Tag, string Value, DateTimeOffset? Time, long Step);

/// <summary>The single numbers in the records of event files: TensorFlow's of both generations, and PyTorch's.</summary>
internal static class EventScalars
{
    private static readonly MessageParser<Event> Parser = Event.Parser.WithDiscardUnknownFields(true);

    /// <summary>The numbers of one record.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is no event.</exception>
    public static ImmutableArray<EventScalar> Parse(byte[] record)
    {
        var happened = Parser.ParseFrom(record);
        return happened.Summary is null
            ? []
            : [.. from value in happened.Summary.Value
                  let text = TextOf(value)
                  where text is not null
                  select new EventScalar(value.Tag, text, TimeOf(happened.WallTime), happened.Step)];
    }

    private static string? TextOf(Summary.Types.Value value) => value.ValueCase switch
    {
        Summary.Types.Value.ValueOneofCase.SimpleValue => Text(value.SimpleValue),
        Summary.Types.Value.ValueOneofCase.Tensor when IsSingle(value.Tensor) => TextOf(value.Tensor),
        _ => null,
    };

    private static bool IsSingle(TensorProto tensor) =>
        tensor.TensorShape is null || tensor.TensorShape.Dim.All(static d => d.Size is 1);

    private static string? TextOf(TensorProto tensor)
    {
        var bytes = tensor.TensorContent.Span;
        return (tensor.Dtype, bytes.Length) switch
        {
            (DataType.DtFloat, sizeof(float)) => Text(BinaryPrimitives.ReadSingleLittleEndian(bytes)),
            (DataType.DtDouble, sizeof(double)) => Text(BinaryPrimitives.ReadDoubleLittleEndian(bytes)),
            (DataType.DtInt32, sizeof(int)) => Text(BinaryPrimitives.ReadInt32LittleEndian(bytes)),
            (DataType.DtInt64, sizeof(long)) => Text(BinaryPrimitives.ReadInt64LittleEndian(bytes)),
            (DataType.DtHalf, sizeof(ushort)) => Text(BinaryPrimitives.ReadHalfLittleEndian(bytes)),
            (DataType.DtBfloat16, sizeof(ushort)) => Text(Bfloat16(BinaryPrimitives.ReadUInt16LittleEndian(bytes))),
            (DataType.DtFloat, 0) when tensor.FloatVal is [var number] => Text(number),
            (DataType.DtDouble, 0) when tensor.DoubleVal is [var number] => Text(number),
            (DataType.DtInt32, 0) when tensor.IntVal is [var number] => Text(number),
            (DataType.DtInt64, 0) when tensor.Int64Val is [var number] => Text(number),
            (DataType.DtHalf, 0) when tensor.HalfVal is [var bits] => Text(BitConverter.UInt16BitsToHalf((ushort)bits)),
            (DataType.DtBfloat16, 0) when tensor.HalfVal is [var bits] => Text(Bfloat16((ushort)bits)),
            _ => null,
        };
    }

    private static float Bfloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    private static string Text<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);

    private static DateTimeOffset? TimeOf(double seconds) =>
        seconds > DateTimeOffset.MinValue.ToUnixTimeSeconds() && seconds < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.UnixEpoch.AddTicks((long)Math.Floor(seconds * TimeSpan.TicksPerSecond))
            : null;
}
