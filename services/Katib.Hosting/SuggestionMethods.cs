using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Katib.Proto;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>The methods of Katib's Suggestion service on the wire, with each trial of a request as it came.</summary>
/// <remarks>
/// The generated binding would make objects of whole requests, and of many at once: 20,000 trials of 10 parameters come to
/// 75 MiB of them.
/// </remarks>
internal sealed class SuggestionMethods(RequestReader reader) : IServiceMethodProvider<SuggestionService>
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<SuggestionService> context)
    {
        context.AddUnaryMethod(
            Unary<UnreadSuggestionsRequest, Wire.GetSuggestionsReply>("GetSuggestions", UnreadSuggestionsRequest.Parser),
            [],
            static (service, request, call) => service.GetSuggestions(request, call));
        context.AddUnaryMethod(
            Unary<Wire.ValidateAlgorithmSettingsRequest, Wire.ValidateAlgorithmSettingsReply>(
                "ValidateAlgorithmSettings", Wire.ValidateAlgorithmSettingsRequest.Parser),
            [],
            static (service, request, call) => service.ValidateAlgorithmSettings(request, call));
    }

    private Method<Received<TRequest>, TReply> Unary<TRequest, TReply>(string name, MessageParser<TRequest> parser)
        where TRequest : class, IMessage<TRequest>
        where TReply : class, IMessage<TReply> =>
        new(
            MethodType.Unary,
            Wire.Suggestion.Descriptor.FullName,
            name,
            new(
                static (_, _) => throw new NotSupportedException("A service sends no requests."),
                context => reader.Read(parser, context.PayloadAsReadOnlySequence())),
            new(
                static (message, context) =>
                {
                    context.SetPayloadLength(message.CalculateSize());
                    message.WriteTo(context.GetBufferWriter());
                    context.Complete();
                },
                static _ => throw new NotSupportedException("A service reads no replies.")));
}
