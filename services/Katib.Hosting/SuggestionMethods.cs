using Grpc.AspNetCore.Server.Model;
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
            reader.Unary<UnreadSuggestionsRequest, Wire.GetSuggestionsReply>(
                Wire.Suggestion.Descriptor, "GetSuggestions", UnreadSuggestionsRequest.Parser),
            [],
            static (service, request, call) => service.GetSuggestions(request, call));
        context.AddUnaryMethod(
            reader.Unary<Wire.ValidateAlgorithmSettingsRequest, Wire.ValidateAlgorithmSettingsReply>(
                Wire.Suggestion.Descriptor, "ValidateAlgorithmSettings", Wire.ValidateAlgorithmSettingsRequest.Parser),
            [],
            static (service, request, call) => service.ValidateAlgorithmSettings(request, call));
    }
}
