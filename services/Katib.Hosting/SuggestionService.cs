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
    ServedAlgorithm served, Admission admission, RequestReader reader, CallTelemetry telemetry, ILogger<SuggestionService> log)
{
    /// <summary>Answers with exactly the number of assignments asked for.</summary>
    public async Task<Wire.GetSuggestionsReply> GetSuggestions(byte[] message, ServerCallContext context)
    {
        using var search = await admission.SearchAsync(message, context.CancellationToken);
        var request = reader.Read(UnreadSuggestionsRequest.Parser, message);

        // All that is needed of it has been copied: it may go while the search takes memory of its own.
        message = [];
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

        return WireMapping.ToReply(reply);
    }

    /// <summary>Validates by asking for nothing, so that validation and search can never disagree.</summary>
    public async Task<Wire.ValidateAlgorithmSettingsReply> ValidateAlgorithmSettings(byte[] message, ServerCallContext context)
    {
        using var search = await admission.SearchAsync(message, context.CancellationToken);
        var request = reader.Read(Wire.ValidateAlgorithmSettingsRequest.Parser, message);
        var algorithm = served.For(request.Experiment);
        _ = algorithm.Suggest(WireMapping.ToStudy(request), count: 0, context.CancellationToken);
        return new();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Experiment}: {Warning}")]
    private partial void Warn(string experiment, string warning);
}
