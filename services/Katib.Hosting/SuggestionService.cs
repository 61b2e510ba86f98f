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
    ServedAlgorithm served, Admission admission, CallTelemetry telemetry, ILogger<SuggestionService> log)
{
    /// <summary>Answers with exactly the number of assignments asked for.</summary>
    public async Task<Wire.GetSuggestionsReply> GetSuggestions(
        Received<UnreadSuggestionsRequest> received, ServerCallContext context)
    {
        var experiment = received.Message.Experiment?.Name ?? "";
        using var search = await admission.SearchAsync(experiment, context.CancellationToken);
        return Answer(received.Take(), experiment, context.CancellationToken);
    }

    /// <summary>Validates by asking for nothing, so that validation and search can never disagree.</summary>
    public async Task<Wire.ValidateAlgorithmSettingsReply> ValidateAlgorithmSettings(
        Received<Wire.ValidateAlgorithmSettingsRequest> received, ServerCallContext context)
    {
        var request = received.Take();
        using var search = await admission.SearchAsync(request.Experiment?.Name ?? "", context.CancellationToken);
        var algorithm = served.For(request.Experiment);
        _ = algorithm.Suggest(WireMapping.ToStudy(request), count: 0, context.CancellationToken);
        return new();
    }

    private Wire.GetSuggestionsReply Answer(
        UnreadSuggestionsRequest request, string experiment, CancellationToken cancellationToken)
    {
        var count = request.CurrentRequestNumber;
        telemetry.Asked(experiment, count, request.Trials.Count);
        var algorithm = served.For(request.Experiment);
        var study = WireMapping.ToStudy(request) with { Fitting = telemetry.Fit };
        var reply = algorithm.Suggest(study, count, cancellationToken);
        telemetry.Answered(reply);
        foreach (var warning in reply.Warnings)
        {
            Warn(experiment, warning);
        }

        return WireMapping.ToReply(reply);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Experiment}: {Warning}")]
    private partial void Warn(string experiment, string warning);
}
