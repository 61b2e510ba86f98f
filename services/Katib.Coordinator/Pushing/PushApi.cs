using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Api;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;

namespace Katib.Coordinator.Pushing;

/// <summary>One POST that a line of shell can make, and one GET to see what came of it.</summary>
internal sealed class PushApi(PushDesk desk, TimeProvider time)
{
    /// <summary>Where trials post.</summary>
    public const string Path = "/observations";

    /// <summary>The longest body that is read, in bytes.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Adds the addresses.</summary>
    public static void Map(WebApplication app, PushDesk desk, TimeProvider time)
    {
        var api = new PushApi(desk, time);
        app.MapPost(Path, (Delegate)api.ReportAsync);
        app.MapGet(Path, api.ReadAsync);
    }

    private Task<IResult> ReportAsync(HttpContext context) => AnswerAsync(async () =>
    {
        // What bears no time of its own was measured just now.
        var now = time.GetUtcNow();
        ImmutableArray<MetricPoint> points =
            [.. (await BodyAsync(context.Request)).Select(p => p with { Time = p.Time ?? now })];
        var ignored = await desk.ReportAsync(TokenOf(context), context.Request.Query["trial"], points, context.RequestAborted);
        return Results.Json<JsonNode>(new JsonObject
        {
            ["recorded"] = points.Count(p => !ignored.Contains(p.Metric)),
            ["ignored"] = new JsonArray([.. ignored.Select(static name => JsonValue.Create(name))]),
        });
    });

    private Task<IResult> ReadAsync(HttpContext context, string? trial, string? metric) => AnswerAsync(async () =>
    {
        var points = await desk.ReadAsync(TokenOf(context), trial, metric, from: null, to: null, context.RequestAborted);
        return Results.Json<JsonNode>(new JsonArray([.. points.Select(static point => new JsonObject
        {
            ["metric"] = point.Metric,
            ["value"] = point.Value,
            ["timestamp"] = point.Time is { } reported ? Rfc3339.Format(reported) : null,
            ["step"] = point.Step,
        })]));
    });

    private static async Task<ImmutableArray<MetricPoint>> BodyAsync(HttpRequest request)
    {
        if (!request.HasFormContentType)
        {
            using var reader = new StreamReader(request.Body);
            return PushForm.Read(await reader.ReadToEndAsync(request.HttpContext.RequestAborted));
        }

        try
        {
            var form = await request.ReadFormAsync(request.HttpContext.RequestAborted);
            return PushForm.Read(form.SelectMany(static f => f.Value.Select(v => new KeyValuePair<string, string>(f.Key, v ?? ""))));
        }
        catch (InvalidDataException broken)
        {
            throw new PushFormException($"The form cannot be read: {broken.Message}");
        }
    }

    private static string? TokenOf(HttpContext context) => PushToken.OfHeader(context.Request.Headers.Authorization);

    private static async Task<IResult> AnswerAsync(Func<Task<IResult>> answer)
    {
        try
        {
            return await answer();
        }
        catch (PushFormException wrong)
        {
            return ApiProblem.Of(StatusCodes.Status400BadRequest, wrong.Message);
        }
        catch (BadHttpRequestException large) when (large.StatusCode is StatusCodes.Status413PayloadTooLarge)
        {
            return ApiProblem.Of(StatusCodes.Status413PayloadTooLarge, $"A report has at most {MaxBodyBytes} bytes; send several.");
        }
        catch (PushException refused)
        {
            return ApiProblem.Of(
                refused.Refusal switch
                {
                    PushRefusal.NoToken => StatusCodes.Status401Unauthorized,
                    PushRefusal.WrongToken => StatusCodes.Status403Forbidden,
                    PushRefusal.NotFound => StatusCodes.Status404NotFound,
                    PushRefusal.NotNow => StatusCodes.Status409Conflict,
                    PushRefusal.Invalid => StatusCodes.Status400BadRequest,
                    _ => StatusCodes.Status503ServiceUnavailable,
                },
                refused.Message);
        }
        catch (StoreException broken)
        {
            return ApiProblem.Of(StatusCodes.Status503ServiceUnavailable, broken.Message);
        }
    }
}
