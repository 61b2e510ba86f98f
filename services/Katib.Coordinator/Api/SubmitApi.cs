using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Host;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Api;

/// <summary>Experiments over HTTP, under the addresses and in the JSON that a Kubernetes API server has for them.</summary>
internal sealed class SubmitApi(
    ExperimentRuns runs, IOptions<CoordinatorOptions> options, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>The longest manifest that is read, in bytes.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    private const string Root = "/apis/kubeflow.org/v1beta1";

    /// <summary>A service's answer takes no longer, with all retries.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _folder = Path.GetFullPath(options.Value.WorkingDirectory);

    /// <summary>Adds the addresses, behind the token.</summary>
    public static void Map(WebApplication app, AccessToken token)
    {
        var api = ActivatorUtilities.CreateInstance<SubmitApi>(app.Services);
        app.Use(next => context => Gate.InvokeAsync(context, token, next));
        app.MapGet($"{Root}/experiments", api.ListAsync);
        var experiments = app.MapGroup($"{Root}/namespaces/{{namespace}}/experiments");
        experiments.MapGet("", api.ListAsync);
        experiments.MapPost("", api.CreateAsync);
        experiments.MapGet("/{name}", api.ReadAsync);
        experiments.MapDelete("/{name}", api.DeleteAsync);
        experiments.MapPatch("/{name}", api.SetAsync);
        experiments.MapPost("/{name}/stop", api.StopAsync);
        experiments.MapPost("/{name}/pause", api.PauseAsync);
        experiments.MapPost("/{name}/resume", api.ResumeAsync);
        experiments.MapPost("/{name}/trials/{trial}/stop", api.StopTrialAsync);
        experiments.MapPost("/{name}/trials/{trial}/skip", api.SkipTrialAsync);
        experiments.MapGet("/{name}/trials/{trial}/log", api.LogAsync);
    }

    private async Task<IResult> ListAsync(string? @namespace, string? trial, CancellationToken cancellationToken)
    {
        var found = await runs.ListAsync(@namespace, trial, cancellationToken);
        return Results.Json<JsonNode>(new JsonObject
        {
            ["apiVersion"] = "kubeflow.org/v1beta1",
            ["kind"] = "ExperimentList",
            ["items"] = new JsonArray([.. found.Select(stored =>
            {
                var item = StatusJson.OfExperimentAlone(JsonNode.Parse(stored.Manifest)!.AsObject(), stored.State);
                return WithNote(item, stored.State.Outcome is null ? runs.NoteOn(stored.Namespace, stored.Name) : null);
            })]),
        });
    }

    private async Task<IResult> CreateAsync(string @namespace, HttpContext context, bool fresh = false)
    {
        using var leaving = Leaving(context);
        var text = await BodyAsync(context.Request, leaving.Token);
        var submission = await Submission.ReadAsync(text, spec => runs.FindRunnerAsync(spec, fresh, leaving.Token));
        var problems = submission.Problems;
        if (submission.Parsed.Spec is { } parsed && parsed.Namespace != @namespace)
        {
            problems = problems.Add(submission.Parsed.Locate(
                "metadata.namespace", parsed.Namespace, $"must be the namespace of the address, '{@namespace}'"));
        }

        if (submission.Parsed.Spec is not { } spec || !problems.IsEmpty)
        {
            return ApiProblem.Invalid(problems);
        }

        var isNew = fresh || await runs.LookAsync(spec.Namespace, spec.Name, leaving.Token) is null;
        var work = runs.Begin(spec, _folder, submission.Runner, isPatient: false, fresh);
        if (await ProblemOfAsync(work, submission.Parsed, leaving.Token) is { } problem)
        {
            return problem;
        }

        if (await ShowAsync(spec.Namespace, spec.Name, leaving.Token) is not { } experiment)
        {
            return ApiProblem.NoExperiment(spec.Namespace, spec.Name);
        }

        ImmutableArray<string> warnings =
            [.. submission.Parsed.Warnings.Select(static w => w.In("line")), .. submission.Notes];
        if (!warnings.IsEmpty)
        {
            experiment["warnings"] = new JsonArray([.. warnings.Select(static w => JsonValue.Create(w))]);
        }

        return Results.Json<JsonNode>(experiment, statusCode: isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task<IResult> ReadAsync(string @namespace, string name, HttpContext context, bool watch = false)
    {
        if (!watch)
        {
            return await ShowOrNotAsync(@namespace, name, context.RequestAborted);
        }

        if (await runs.LookAsync(@namespace, name, context.RequestAborted) is null)
        {
            return ApiProblem.NoExperiment(@namespace, name);
        }

        using var leaving = Leaving(context);
        try
        {
            await new ExperimentWatch(context.Response, time).FollowAsync(
                () => runs.LookAsync(@namespace, name, leaving.Token), leaving.Token);
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            // What was begun ends here; the watcher finds out whether the coordinator comes back.
        }

        return Results.Empty;
    }

    private async Task<IResult> StopAsync(string @namespace, string name) =>
        await runs.StopAsync(@namespace, name)
            ? await ShowOrNotAsync(@namespace, name, CancellationToken.None)
            : ApiProblem.NoExperiment(@namespace, name);

    /// <summary>A merge patch of the three budgets, and of nothing else.</summary>
    private async Task<IResult> SetAsync(string @namespace, string name, HttpContext context)
    {
        BudgetChange budgets;
        try
        {
            budgets = BudgetsOf(JsonNode.Parse(await BodyAsync(context.Request, context.RequestAborted)));
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
        {
            return ApiProblem.Of(
                StatusCodes.Status400BadRequest,
                "The body must be {\"spec\": {...}} with whole numbers for parallelTrialCount, maxTrialCount or maxFailedTrialCount.");
        }

        return await runs.BeginAgainAsync(@namespace, name, budgets, context.RequestAborted) is { } again
            ? await ProblemOfAsync(again, budgets.ApplyTo(again.Spec), context.RequestAborted) ?? Results.NoContent()
            : await WantAsync(
                @namespace, name, (store, stored) => ExperimentSession.SetAsync(store, stored, budgets, context.RequestAborted), context);
    }

    /// <summary>Waits for the experiment's admission; what is in its way is the answer.</summary>
    private async Task<IResult?> ProblemOfAsync(ExperimentWork work, ParsedExperiment parsed, CancellationToken cancellationToken)
    {
        try
        {
            await work.Admission.WaitAsync(Patience, time, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            // It was begun by somebody more patient, and its algorithm is still waited for.
            return ApiProblem.Of(
                StatusCodes.Status503ServiceUnavailable,
                runs.NoteOn(work.Spec.Namespace, work.Spec.Name)
                    ?? "It has not begun yet: the algorithm service, or what runs the trials, has not answered.");
        }
        catch (SuggestionRefusedException refused)
        {
            return ApiProblem.Invalid([parsed.Locate("spec", "", refused.Message)]);
        }
        catch (ExperimentRefusedException refused) when (!refused.Problems.IsEmpty)
        {
            return ApiProblem.Invalid([.. refused.Problems.Select(parsed.Locate)]);
        }
    }

    private Task<IResult> PauseAsync(string @namespace, string name, HttpContext context) => WantAsync(
        @namespace,
        name,
        (store, stored) => ExperimentSession.PauseAsync(store, stored, isPaused: true, context.RequestAborted),
        context);

    private Task<IResult> ResumeAsync(string @namespace, string name, HttpContext context) => WantAsync(
        @namespace,
        name,
        (store, stored) => ExperimentSession.PauseAsync(store, stored, isPaused: false, context.RequestAborted),
        context);

    private Task<IResult> StopTrialAsync(string @namespace, string name, string trial, HttpContext context) =>
        EndTrialAsync(@namespace, name, trial, TrialWish.Stop, context);

    private Task<IResult> SkipTrialAsync(string @namespace, string name, string trial, HttpContext context) =>
        EndTrialAsync(@namespace, name, trial, TrialWish.Skip, context);

    private Task<IResult> EndTrialAsync(string @namespace, string name, string trial, TrialWish wish, HttpContext context) => WantAsync(
        @namespace,
        name,
        (store, stored) => ExperimentSession.EndTrialAsync(store, stored, trial, wish, context.RequestAborted),
        context);

    private async Task<IResult> WantAsync(
        string @namespace, string name, Func<ExperimentStore, StoredExperiment, Task> want, HttpContext context) =>
        await runs.WantAsync(@namespace, name, want, context.RequestAborted)
            ? Results.NoContent()
            : ApiProblem.NoExperiment(@namespace, name);

    private static BudgetChange BudgetsOf(JsonNode? patch)
    {
        var fields = patch is JsonObject { Count: 1 } top && top["spec"] is JsonObject spec ? spec : throw new FormatException();
        string[] names = ["parallelTrialCount", "maxTrialCount", "maxFailedTrialCount"];
        var counts = names.Select(name => fields[name]?.GetValue<int>()).ToArray();
        return fields.Count > 0 && fields.All(field => names.Contains(field.Key))
            ? new(counts[0], counts[1], counts[2])
            : throw new FormatException();
    }

    private async Task<IResult> DeleteAsync(string @namespace, string name) =>
        await runs.DeleteAsync(@namespace, name) ? Results.NoContent() : ApiProblem.NoExperiment(@namespace, name);

    private async Task<IResult> LogAsync(string @namespace, string name, string trial, HttpContext context)
    {
        if (await runs.FindLogAsync(@namespace, name, trial, context.RequestAborted) is not { } file)
        {
            return ApiProblem.Of(StatusCodes.Status404NotFound, $"The trial '{trial}' has not printed anything yet, or there is none.");
        }

        // Not Results.File: the log grows while it is sent.
        await using var log = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        context.Response.ContentType = "text/plain; charset=utf-8";
        await log.CopyToAsync(context.Response.Body, context.RequestAborted);
        return Results.Empty;
    }

    private async Task<IResult> ShowOrNotAsync(string @namespace, string name, CancellationToken cancellationToken) =>
        await ShowAsync(@namespace, name, cancellationToken) is { } experiment
            ? Results.Json<JsonNode>(experiment)
            : ApiProblem.NoExperiment(@namespace, name);

    private async Task<JsonObject?> ShowAsync(string @namespace, string name, CancellationToken cancellationToken) =>
        await runs.LookAsync(@namespace, name, cancellationToken) is { } look
            ? StatusJson.OfExperiment(look.Spec, look.State, look.Note)
            : null;

    /// <summary>Ends with the request, and with the coordinator, which must not wait for its watchers.</summary>
    private CancellationTokenSource Leaving(HttpContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);

    /// <summary>The note stands beside the Experiment's own fields, as its trials do.</summary>
    internal static JsonObject WithNote(JsonObject experiment, string? note)
    {
        if (note is not null)
        {
            experiment["note"] = note;
        }

        return experiment;
    }

    private static async Task<string> BodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(request.Body, StrictUtf8);
        try
        {
            return await reader.ReadToEndAsync(cancellationToken);
        }
        catch (DecoderFallbackException)
        {
            throw new BadHttpRequestException("The Experiment must be UTF-8 text.");
        }
    }
}
