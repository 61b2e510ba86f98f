using Grpc.AspNetCore.Server.Model;
using Katib.Proto;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>The methods of Katib's EarlyStopping service on the wire, with each trial of a request as it came.</summary>
internal sealed class StoppingMethods(RequestReader reader) : IServiceMethodProvider<StoppingService>
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<StoppingService> context)
    {
        context.AddUnaryMethod(
            reader.Unary<UnreadRulesRequest, Wire.GetEarlyStoppingRulesReply>(
                Wire.EarlyStopping.Descriptor, "GetEarlyStoppingRules", UnreadRulesRequest.Parser),
            [],
            static (service, request, call) => service.GetEarlyStoppingRules(request, call));
        context.AddUnaryMethod(
            reader.Unary<Wire.ValidateEarlyStoppingSettingsRequest, Wire.ValidateEarlyStoppingSettingsReply>(
                Wire.EarlyStopping.Descriptor, "ValidateEarlyStoppingSettings", Wire.ValidateEarlyStoppingSettingsRequest.Parser),
            [],
            static (service, request, call) => service.ValidateEarlyStoppingSettings(request, call));
        context.AddUnaryMethod(
            reader.Unary<Wire.SetTrialStatusRequest, Wire.SetTrialStatusReply>(
                Wire.EarlyStopping.Descriptor, "SetTrialStatus", Wire.SetTrialStatusRequest.Parser),
            [],
            static (service, request, call) => service.SetTrialStatus(request, call));
    }
}
