using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Manifests;
using Microsoft.AspNetCore.WebUtilities;

namespace Katib.Coordinator.Api;

/// <summary>Answers that say what is wrong, as RFC 9457 has them.</summary>
internal static class ApiProblem
{
    public static IResult Of(int status, string detail) => Answer(status, detail, []);

    public static IResult NoExperiment(string @namespace, string name) =>
        Of(StatusCodes.Status404NotFound, $"There is no experiment '{name}' in the namespace '{@namespace}'.");

    /// <summary>Everything that is wrong with an Experiment, at once, under <c>problems</c>.</summary>
    public static IResult Invalid(ImmutableArray<ManifestProblem> problems) => Answer(
        StatusCodes.Status422UnprocessableEntity,
        string.Join('\n', problems),
        new JsonArray([.. problems.Select(static p => new JsonObject
        {
            ["line"] = p.Line,
            ["path"] = p.Path,
            ["value"] = p.Value,
            ["message"] = p.Message,
        })]));

    private static IResult Answer(int status, string detail, JsonArray problems)
    {
        var problem = new JsonObject
        {
            ["title"] = ReasonPhrases.GetReasonPhrase(status),
            ["status"] = status,
            ["detail"] = detail,
        };
        if (problems.Count > 0)
        {
            problem["problems"] = problems;
        }

        return Results.Json<JsonNode>(problem, contentType: "application/problem+json", statusCode: status);
    }
}
