using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Manifests;

/// <summary>Reads what <see cref="StatusJson"/> has written: Katib's JSON, as another process shows it.</summary>
/// <remarks>What Katib's status has no place for is not there: attempts, the echo of settings, times of values.</remarks>
public static class StatusReader
{
    private static readonly string[] OwnFields = ["apiVersion", "kind", "metadata", "spec"];

    /// <summary>What an Experiment's own fields say.</summary>
    /// <exception cref="FormatException">It is no Experiment, or one of another version.</exception>
    public static ExperimentSpec SpecOf(JsonObject experiment)
    {
        var manifest = new JsonObject(
            from name in OwnFields
            select KeyValuePair.Create(name, experiment[name]?.DeepClone()));
        var parsed = ExperimentYaml.Parse(manifest.ToJsonString());
        return parsed.Spec ?? throw new FormatException(parsed.Problems[0].ToString());
    }

    /// <summary>How far an Experiment has come, with its trials where it lists them.</summary>
    /// <exception cref="FormatException">There is no status, or none as Katib has it.</exception>
    public static ExperimentState StateOf(ExperimentSpec spec, JsonObject experiment) => Reading(
        experiment,
        json => ProgressOf(json) with
        {
            Trials = [.. (json["trials"]?.AsArray() ?? []).Select((t, i) => TrialOf(spec, Required(t).AsObject(), i + 1))],
        });

    /// <summary>How far an Experiment has come, its trials aside.</summary>
    /// <exception cref="FormatException">There is no status, or none as Katib has it.</exception>
    public static ExperimentState ProgressOf(JsonObject experiment) => Reading(experiment, static json =>
    {
        var status = Required(json["status"]);
        ImmutableArray<Condition> conditions = [.. Conditions(status)];
        return new ExperimentState(
            Trials: [],
            Time(Required(status["startTime"])),
            TimeOrNull(status["completionTime"]),
            conditions,
            SettingsEcho: [],
            conditions.OutcomeOf())
        {
            IsPaused = json["paused"]?.GetValue<bool>() ?? false,
        };
    });

    /// <summary>One Trial; <paramref name="number"/> is its place in the experiment.</summary>
    /// <exception cref="FormatException">It is no Trial.</exception>
    public static TrialState TrialOf(ExperimentSpec spec, JsonObject trial, int number) => Reading(trial, json =>
    {
        var metadata = Required(json["metadata"]);
        var status = Required(json["status"]);
        var current = Conditions(status).Last(static c => c.Status);
        return new TrialState(
            Text(metadata["name"]),
            number,
            [.. Required(json["spec"]?["parameterAssignments"]).AsArray().Select(
                static a => new Assignment(Text(a!["name"]), Text(a["value"])))],
            Enum.Parse<TrialStatus>(current.Type),
            Attempt: 1,
            current.Reason,
            current.Message,
            Time(Required(status["startTime"])),
            TimeOrNull(metadata["annotations"]?[StatusJson.StartedAnnotation]),
            TimeOrNull(status["completionTime"]),
            ObservationOf(spec, status["observation"]?["metrics"]?.AsArray() ?? []))
        {
            ReasonSince = TimeOrNull(json["outlook"]?["since"]),
            ReportedAt = TimeOrNull(json["outlook"]?["reportedAt"]),
        };
    });

    private static Observation ObservationOf(ExperimentSpec spec, JsonArray metrics)
    {
        var reported = metrics.ToDictionary(static m => Text(m!["name"]), StringComparer.Ordinal);
        return new([.. spec.Objective.AllMetricNames.Select(name => reported.GetValueOrDefault(name) is { } metric
            ? new MetricSummary(name, Text(metric["min"]), Text(metric["max"]), Text(metric["latest"]), LatestTime: null)
            : MetricSummary.Of(name))]);
    }

    private static IEnumerable<Condition> Conditions(JsonNode status) =>
        from condition in Required(status["conditions"]).AsArray()
        select new Condition(
            Text(condition["type"]),
            Text(condition["status"]) is "True",
            Text(condition["reason"]),
            Text(condition["message"]),
            Time(Required(condition["lastUpdateTime"])),
            Time(Required(condition["lastTransitionTime"])));

    private static T Reading<T>(JsonObject json, Func<JsonObject, T> read)
    {
        try
        {
            return read(json);
        }
        catch (Exception unexpected) when (unexpected is InvalidOperationException or ArgumentException or JsonException)
        {
            throw new FormatException($"This is no {json["kind"]} as Katib has it: {unexpected.Message}", unexpected);
        }
    }

    private static JsonNode Required(JsonNode? node) => node ?? throw new InvalidOperationException("A field is missing.");

    private static string Text(JsonNode? node) => Required(node).GetValue<string>();

    private static DateTimeOffset? TimeOrNull(JsonNode? node) => node is null ? null : Time(node);

    private static DateTimeOffset Time(JsonNode node) => DateTimeOffset.Parse(Text(node), CultureInfo.InvariantCulture);
}
