using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Manifests;

/// <summary>Experiments and trials as Katib's JSON, status included.</summary>
public static class StatusJson
{
    /// <summary>The annotation of a Trial with the time at which its program was started, which Katib's status forgets.</summary>
    internal const string StartedAnnotation = "tuning.katib/started-at";

    /// <summary>The label of a Trial with the name of its Experiment.</summary>
    internal const string ExperimentLabel = "katib.kubeflow.org/experiment";

    private const string ApiVersion = "kubeflow.org/v1beta1";

    /// <summary>The Experiment with its status and, under <c>trials</c>, its Trials; and why it does not get on, if so.</summary>
    public static JsonObject OfExperiment(ExperimentSpec spec, ExperimentState state, string? note = null)
    {
        var experiment = spec.Manifest.DeepClone().AsObject();
        experiment["status"] = Status(spec, state);
        AddPause(experiment, state);
        if (note is not null)
        {
            experiment["note"] = note;
        }

        experiment["trials"] = new JsonArray([.. state.Trials.Select(t => OfTrial(spec, state, t))]);
        return experiment;
    }

    /// <summary>The Experiment without anything about its trials: for lists, and for news of the Experiment alone.</summary>
    public static JsonObject OfExperimentAlone(JsonObject manifest, ExperimentState state)
    {
        var experiment = manifest.DeepClone().AsObject();
        experiment["status"] = Progress(state);
        AddPause(experiment, state);
        return experiment;
    }

    /// <summary>One Trial; beside Katib's fields stands its outlook, while it is not over.</summary>
    public static JsonObject OfTrial(ExperimentSpec spec, ExperimentState state, TrialState trial)
    {
        var status = new JsonObject();
        AddTime(status, "startTime", trial.CreatedAt);
        AddTime(status, "completionTime", trial.EndedAt);
        status["conditions"] = Array(ConditionsOf(trial).Select(ToJson));
        if (Reported(trial.Observation) is { Count: > 0 } metrics)
        {
            status["observation"] = new JsonObject { ["metrics"] = metrics };
        }

        var metadata = new JsonObject
        {
            ["name"] = trial.Name,
            ["namespace"] = spec.Namespace,
            ["labels"] = new JsonObject { [ExperimentLabel] = spec.Name },
        };
        if (trial.StartedAt is { } started)
        {
            metadata["annotations"] = new JsonObject { [StartedAnnotation] = Format(started) };
        }

        var json = new JsonObject
        {
            ["apiVersion"] = ApiVersion,
            ["kind"] = "Trial",
            ["metadata"] = metadata,
            ["spec"] = new JsonObject
            {
                ["objective"] = spec.Manifest["spec"]?["objective"]?.DeepClone(),
                ["parameterAssignments"] = Assignments(trial.Assignments),
            },
            ["status"] = status,
        };
        if (TrialOutlook.Of(spec, state, trial) is { } outlook)
        {
            var shown = new JsonObject { ["reason"] = outlook.Reason };
            AddTime(shown, "since", outlook.Since);
            AddTime(shown, "reportedAt", trial.ReportedAt);
            shown["next"] = outlook.Next;
            json["outlook"] = shown;
        }

        return json;
    }

    private static void AddPause(JsonObject experiment, ExperimentState state)
    {
        if (state is { IsPaused: true, Outcome: null })
        {
            experiment["paused"] = true;
        }
    }

    private static JsonObject Progress(ExperimentState state)
    {
        var status = new JsonObject();
        AddTime(status, "startTime", state.StartedAt);
        AddTime(status, "completionTime", state.EndedAt);
        status["conditions"] = Array(state.Conditions.Select(ToJson));
        return status;
    }

    private static JsonObject Status(ExperimentSpec spec, ExperimentState state)
    {
        var status = Progress(state);
        if (ExperimentMachine.Best(spec.Objective, state.Trials) is { } best)
        {
            status["currentOptimalTrial"] = new JsonObject
            {
                ["bestTrialName"] = best.Name,
                ["parameterAssignments"] = Assignments(best.Assignments),
                ["observation"] = new JsonObject { ["metrics"] = Reported(best.Observation) },
            };
        }

        AddTrials(status, state, "runningTrialList", "trialsRunning", TrialStatus.Running);
        AddTrials(status, state, "pendingTrialList", "trialsPending", TrialStatus.Created);
        AddTrials(status, state, "failedTrialList", "trialsFailed", TrialStatus.Failed);
        AddTrials(status, state, "succeededTrialList", "trialsSucceeded", TrialStatus.Succeeded);
        AddTrials(status, state, "killedTrialList", "trialsKilled", TrialStatus.Killed);
        AddTrials(status, state, "earlyStoppedTrialList", "trialsEarlyStopped", TrialStatus.EarlyStopped);

        // Katib's own spelling: this one count begins with "trial".
        AddTrials(status, state, "metricsUnavailableTrialList", "trialMetricsUnavailable", TrialStatus.MetricsUnavailable);
        status["trials"] = state.Trials.Length;
        return status;
    }

    private static void AddTrials(JsonObject status, ExperimentState state, string list, string count, TrialStatus which)
    {
        var names = state.Trials.Where(t => t.Status == which).Select(static t => t.Name).ToArray();
        if (names.Length > 0)
        {
            status[list] = Array(names.Select(static n => JsonValue.Create(n)));
            status[count] = names.Length;
        }
    }

    private static ImmutableArray<Condition> ConditionsOf(TrialState trial)
    {
        var conditions = ImmutableArray<Condition>.Empty
            .Set(
                Conditions.Created,
                true,
                trial.Status is TrialStatus.Created ? trial.Reason : TrialReasons.Created,
                trial.Status is TrialStatus.Created ? trial.Message : "Trial is created",
                trial.CreatedAt);
        if (trial.StartedAt is { } started)
        {
            conditions = conditions.Set(
                Conditions.Running,
                trial.EndedAt is null,
                trial.EndedAt is null ? trial.Reason : TrialReasons.Running,
                trial.EndedAt is null ? trial.Message : TrialReasons.RunningMessage,
                trial.EndedAt ?? started);
        }

        return trial.EndedAt is { } ended
            ? conditions.Set(trial.Status.ToString(), true, trial.Reason, trial.Message, ended)
            : conditions;
    }

    private static JsonObject ToJson(Condition condition) => new()
    {
        ["type"] = condition.Type,
        ["status"] = condition.Status ? "True" : "False",
        ["reason"] = condition.Reason,
        ["message"] = condition.Message,
        ["lastUpdateTime"] = Format(condition.LastUpdateTime),
        ["lastTransitionTime"] = Format(condition.LastTransitionTime),
    };

    private static JsonArray Assignments(ImmutableArray<Assignment> assignments) => Array(assignments.Select(
        static a => new JsonObject { ["name"] = a.Name, ["value"] = a.Value }));

    private static JsonArray Reported(Observation observation) => Array(observation.Metrics
        .Where(static m => m.Latest is not MetricSummary.Unavailable)
        .Select(static m => new JsonObject
        {
            ["name"] = m.Name,
            ["min"] = m.Min,
            ["max"] = m.Max,
            ["latest"] = m.Latest,
        }));

    private static JsonArray Array(IEnumerable<JsonNode> nodes) => new([.. nodes]);

    private static void AddTime(JsonObject json, string name, DateTimeOffset? time)
    {
        if (time is { } known)
        {
            json[name] = Format(known);
        }
    }

    /// <summary>RFC 3339, to the millisecond where there is a fraction: short trials have durations too.</summary>
    private static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
}
