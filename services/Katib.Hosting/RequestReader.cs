using Google.Protobuf;
using Grpc.Core;

namespace Katib.Hosting;

/// <summary>Makes requests of their bytes, unless they would become many times larger than they came.</summary>
/// <remarks>Two bytes on the wire may be an object of sixty: what a caller sends in no good faith is counted first.</remarks>
internal sealed class RequestReader(ServiceLimits limits)
{
    private const int ExperimentField = 1;
    private const int TrialsField = 2;

    /// <summary>Reads a request.</summary>
    /// <exception cref="RpcException">It is malformed, or absurd.</exception>
    public T Read<T>(MessageParser<T> parser, byte[] bytes)
        where T : class, IMessage<T>
    {
        try
        {
            ThrowIfAbsurd(bytes);
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.InvalidArgument, $"The request is malformed: {malformed.Message}");
        }
    }

    private void ThrowIfAbsurd(byte[] bytes)
    {
        var (experiment, trials, largestTrial) = (0L, 0, 0L);
        using var input = new CodedInputStream(bytes);
        while (input.ReadTag() is not 0 and var tag)
        {
            var begin = input.Position;
            input.SkipLastField();
            var length = input.Position - begin;
            switch (WireFormat.GetTagFieldNumber(tag))
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

    private static void ThrowIfAbove(int limit, long number, string what)
    {
        if (number > limit)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.ResourceExhausted, $"The request has {number} {what}; this instance has the memory for {limit}.");
        }
    }
}
