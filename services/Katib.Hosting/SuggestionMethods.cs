using System.Buffers;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>The methods of Katib's Suggestion service on the wire, with requests as they came.</summary>
/// <remarks>
/// The generated binding would make objects of whole requests, and of many at once: 20,000 trials of 10 parameters come to
/// 75 MiB of them.
/// </remarks>
internal sealed class SuggestionMethods : IServiceMethodProvider<SuggestionService>
{
    private static readonly Method<byte[], Wire.GetSuggestionsReply> GetSuggestions =
        Unary<Wire.GetSuggestionsReply>(nameof(GetSuggestions));

    private static readonly Method<byte[], Wire.ValidateAlgorithmSettingsReply> ValidateAlgorithmSettings =
        Unary<Wire.ValidateAlgorithmSettingsReply>(nameof(ValidateAlgorithmSettings));

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

    private static Method<byte[], TReply> Unary<TReply>(string name)
        where TReply : class, IMessage<TReply> =>
        new(
            MethodType.Unary,
            Wire.Suggestion.Descriptor.FullName,
            name,
            new(
                static (_, _) => throw new NotSupportedException("A service sends no requests."),
                static context => context.PayloadAsReadOnlySequence().ToArray()),
            new(
                static (message, context) =>
                {
                    context.SetPayloadLength(message.CalculateSize());
                    message.WriteTo(context.GetBufferWriter());
                    context.Complete();
                },
                static _ => throw new NotSupportedException("A service reads no replies.")));
}
