using Grpc.Core;
using Katib.Proto;
using Microsoft.Extensions.Logging;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>An algorithm, and the name that experiments ask for it by.</summary>
internal sealed record ServedAlgorithm(string Name, ISearchAlgorithm Algorithm)
{
    /// <summary>The algorithm, if it is the one that is asked for.</summary>
    public ISearchAlgorithm For(Wire.Experiment? experiment)
    {
        var name = WireMapping.AlgorithmName(experiment);
        return name == Name
            ? Algorithm
            : throw new InvalidStudyException([new(
                "algorithm.algorithmName",
                name,
                $"is not served here; this is the service of '{Name}'",
                $"unknown algorithm name {name}")]);
    }
}

/// <summary>Katib's Suggestion service around one algorithm: two translations and a call.</summary>
internal sealed partial class SuggestionService(
    ServedAlgorithm served, CallTelemetry telemetry, ILogger<SuggestionService> log)
{
    /// <summary>Answers with exactly the number of assignments asked for.</summary>
    public Task<Wire.GetSuggestionsReply> GetSuggestions(UnreadSuggestionsRequest request, ServerCallContext context)
    {
        var experiment = request.Experiment?.Name ?? "";
        telemetry.Asked(experiment, request.CurrentRequestNumber, request.Trials.Count);
        var algorithm = served.For(request.Experiment);
        var study = WireMapping.ToStudy(request) with { Fitting = telemetry.Fit };
        var reply = algorithm.Suggest(study, request.CurrentRequestNumber, context.CancellationToken);
        telemetry.Answered(reply);
        foreach (var warning in reply.Warnings)
        {
            Warn(experiment, warning);
        }

        return Task.FromResult(WireMapping.ToReply(reply));
    }

    /// <summary>Validates by asking for nothing, so that validation and search can never disagree.</summary>
    public Task<Wire.ValidateAlgorithmSettingsReply> ValidateAlgorithmSettings(
        Wire.ValidateAlgorithmSettingsRequest request, ServerCallContext context)
    {
        var algorithm = served.For(request.Experiment);
        _ = algorithm.Suggest(WireMapping.ToStudy(request), count: 0, context.CancellationToken);
        return Task.FromResult(new Wire.ValidateAlgorithmSettingsReply());
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Experiment}: {Warning}")]
    private partial void Warn(string experiment, string warning);
}
