using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Microsoft.AspNetCore.Authorization;

namespace Katib.Coordinator.Api;

/// <summary>What every request passes: the token on the way in, and on the way out the one place where exceptions become status codes.</summary>
internal static partial class Gate
{
    private const string Scheme = "Bearer ";

    public static async Task InvokeAsync(HttpContext context, AccessToken token, RequestDelegate next)
    {
        try
        {
            if (context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null && Refusal(context, token) is { } refusal)
            {
                await refusal.ExecuteAsync(context);
                return;
            }

            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
#pragma warning disable CA1031 // Whatever happened is answered, and in words that tell a stranger nothing.
        catch (Exception failure) when (!context.Response.HasStarted)
#pragma warning restore CA1031
        {
            await Answer(context, failure).ExecuteAsync(context);
        }
    }

    private static IResult? Refusal(HttpContext context, AccessToken token)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && token.Matches(header[Scheme.Length..].Trim()))
        {
            return null;
        }

        context.Response.Headers.WWWAuthenticate = header.Length is 0
            ? "Bearer realm=\"katib\""
            : "Bearer realm=\"katib\", error=\"invalid_token\"";
        return ApiProblem.Of(
            StatusCodes.Status401Unauthorized,
            header.Length is 0 ? "This coordinator wants a bearer token." : "This is not the bearer token of this coordinator.");
    }

    private static IResult Answer(HttpContext context, Exception failure)
    {
        switch (failure)
        {
            case ExperimentRefusedException:
                return ApiProblem.Of(StatusCodes.Status409Conflict, failure.Message);
            case SuggestionUnavailableException or RunnerUnavailableException:
                return ApiProblem.Of(StatusCodes.Status503ServiceUnavailable, failure.Message);
            case OperationCanceledException or ObjectDisposedException:
                return ApiProblem.Of(
                    StatusCodes.Status503ServiceUnavailable, "The coordinator is being stopped; ask again when it is back.");
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return ApiProblem.Of(
                    StatusCodes.Status413PayloadTooLarge, $"An Experiment has at most {SubmitApi.MaxBodyBytes} bytes.");
            case BadHttpRequestException bad:
                return ApiProblem.Of(bad.StatusCode, bad.Message);
            case StoreException { IsTemporary: var isTemporary }:
                return ApiProblem.Of(
                    isTemporary ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError,
                    failure.Message);
            case IOException or UnauthorizedAccessException:
                Log.Failed(Logger(context), context.Request.Method, failure);
                return ApiProblem.Of(
                    StatusCodes.Status500InternalServerError, "The coordinator cannot read or write its store; its log says why.");
            default:
                Log.Failed(Logger(context), context.Request.Method, failure);
                return ApiProblem.Of(
                    StatusCodes.Status500InternalServerError, "The coordinator has failed at this; its log says how.");
        }
    }

    private static ILogger Logger(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Gate).FullName!);

    private static partial class Log
    {
        [LoggerMessage(EventId = 20, Level = LogLevel.Error, Message = "A {Method} request has failed")]
        public static partial void Failed(ILogger logger, string method, Exception failure);
    }
}
