using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Katib.Proto;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>The methods of Katib's Suggestion service on the wire, with requests whose trials are unread.</summary>
/// <remarks>
/// The generated binding would make objects of a whole request: 20,000 trials of 10 parameters come to 75 MiB of them.
/// </remarks>
internal sealed class SuggestionMethods : IServiceMethodProvider<SuggestionService>
{
    private static readonly Method<UnreadSuggestionsRequest, Wire.GetSuggestionsReply> GetSuggestions = Unary(
        nameof(GetSuggestions), UnreadSuggestionsRequest.Parser, Wire.GetSuggestionsReply.Parser);

    private static readonly Method<Wire.ValidateAlgorithmSettingsRequest, Wire.ValidateAlgorithmSettingsReply>
        ValidateAlgorithmSettings = Unary(
            nameof(ValidateAlgorithmSettings),
            Wire.ValidateAlgorithmSettingsRequest.Parser,
            Wire.ValidateAlgorithmSettingsReply.Parser);

    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<SuggestionService> context)
    {
        context.AddUnaryMethod(
            GetSuggestions, [], static (service, request, call) => service.GetSuggestions(request, call));
        context.AddUnaryMethod(
            ValidateAlgorithmSettings,
            [],
            static (service, request, call) => service.ValidateAlgorithmSettings(request, call));
    }

    private static Method<TRequest, TReply> Unary<TRequest, TReply>(
        string name, MessageParser<TRequest> request, MessageParser<TReply> reply)
        where TRequest : class, IMessage<TRequest>
        where TReply : class, IMessage<TReply> =>
        new(MethodType.Unary, Wire.Suggestion.Descriptor.FullName, name, Of(request), Of(reply));

    private static Marshaller<T> Of<T>(MessageParser<T> parser)
        where T : class, IMessage<T> =>
        new(
            static (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
