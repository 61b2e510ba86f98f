using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace Katib.Hosting;

/// <summary>A request as it was read, or why it was not.</summary>
/// <remarks>
/// gRPC holds on to what it hands over for as long as the call lasts. This is emptied instead, so that a history may go
/// while the search takes memory of its own.
/// </remarks>
internal sealed class Received<T>(T? message, RpcException? refusal)
    where T : class
{
    private T? _message = message;

    /// <summary>The request, as long as it has not been taken.</summary>
    /// <exception cref="RpcException">It was not read.</exception>
    public T Message => _message
        ?? throw (refusal as Exception ?? new InvalidOperationException("The request has been taken."));

    /// <summary>The request, and from now on nobody else's.</summary>
    /// <exception cref="RpcException">It was not read.</exception>
    public T Take()
    {
        var message = Message;
        _message = null;
        return message;
    }
}

/// <summary>Makes requests of their bytes, unless they would become many times larger than they came.</summary>
/// <remarks>Two bytes on the wire may be an object of sixty: what a caller sends in no good faith is counted first.</remarks>
internal sealed class RequestReader(ServiceLimits limits)
{
    private const int ExperimentField = 1;
    private const int TrialsField = 2;

    /// <summary>Reads a request, or tells what is wrong with it.</summary>
    /// <remarks>It does not throw: gRPC would call that an error of ours in the log, with a stack trace.</remarks>
    public Received<T> Read<T>(MessageParser<T> parser, ReadOnlySequence<byte> message)
        where T : class, IMessage<T>
    {
        try
        {
            ThrowIfAbsurd(message);
            return new(parser.ParseFrom(message), null);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            return new(null, ErrorInterceptor.Refusal(
                StatusCode.InvalidArgument, $"The request is malformed: {malformed.Message}"));
        }
        catch (OutOfMemoryException)
        {
            return new(null, new(ErrorInterceptor.TooLarge));
        }
        catch (RpcException absurd)
        {
            return new(null, absurd);
        }
    }

    /// <summary>A method on the wire whose requests are read here.</summary>
    public Method<Received<TRequest>, TReply> Unary<TRequest, TReply>(
        ServiceDescriptor service, string name, MessageParser<TRequest> parser)
        where TRequest : class, IMessage<TRequest>
        where TReply : class, IMessage<TReply> =>
        new(
            MethodType.Unary,
            service.FullName,
            name,
            new(
                static (_, _) => throw new NotSupportedException("A service sends no requests."),
                context => Read(parser, context.PayloadAsReadOnlySequence())),
            new(
                static (message, context) =>
                {
                    context.SetPayloadLength(message.CalculateSize());
                    message.WriteTo(context.GetBufferWriter());
                    context.Complete();
                },
                static _ => throw new NotSupportedException("A service reads no replies.")));

    private void ThrowIfAbsurd(ReadOnlySequence<byte> message)
    {
        var (experiment, trials, largestTrial) = (0L, 0, 0L);
        var reader = new SequenceReader<byte>(message);
        while (TrySkipField(ref reader, out var field, out var length))
        {
            switch (field)
            {
                case ExperimentField:
                    experiment += length;
                    break;
                case TrialsField:
                    trials++;
                    largestTrial = Math.Max(largestTrial, length);
                    break;
                default:
                    break;
            }
        }

        ThrowIfAbove(limits.PartBytes, experiment, "bytes of an experiment");
        ThrowIfAbove(limits.PartBytes, largestTrial, "bytes of a trial");
        ThrowIfAbove(limits.Trials, trials, "trials");
    }

    /// <summary>Goes on to the next field; false at the end, or where the parser will find the message malformed.</summary>
    private static bool TrySkipField(ref SequenceReader<byte> reader, out int field, out long length)
    {
        (field, length) = (0, 0);
        if (!MessageHead.TryReadVarint(ref reader, out var tag))
        {
            return false;
        }

        field = WireFormat.GetTagFieldNumber((uint)tag);
        var size = 0UL;
        var isWhole = WireFormat.GetTagWireType((uint)tag) switch
        {
            WireFormat.WireType.Varint => MessageHead.TryReadVarint(ref reader, out _),
            WireFormat.WireType.Fixed32 => (size = sizeof(uint)) > 0,
            WireFormat.WireType.Fixed64 => (size = sizeof(ulong)) > 0,
            WireFormat.WireType.LengthDelimited => MessageHead.TryReadVarint(ref reader, out size),

            // Behind one, anything could hide from the count; Katib's messages have none.
            WireFormat.WireType.StartGroup => throw ErrorInterceptor.Refusal(
                StatusCode.InvalidArgument, "The request is malformed: it holds a group."),
            _ => false,
        };
        // The parser takes a length's lower 32 bits: what it would read on has to be counted.
        length = (uint)size;
        if (!isWhole || length > reader.Remaining)
        {
            return false;
        }

        reader.Advance(length);
        return true;
    }

    private static void ThrowIfAbove(int limit, long number, string what)
    {
        if (number > limit)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.ResourceExhausted, $"The request has {number} {what}; this instance has the memory for {limit}.");
        }
    }
}
