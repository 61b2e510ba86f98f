using System.Collections.Immutable;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Proto;
using Wire = Api.V1.Beta1;

namespace Katib.Coordinator.Suggesting;

/// <summary>An experiment and its trials as the wire has them.</summary>
/// <remarks>
/// As Katib's controller does it, but for two things. Trials without metrics are sent, as METRICSUNAVAILABLE: an algorithm
/// that does not see a point may suggest it again. And the total is what is sent plus what is asked for, so that the
/// algorithm's position never depends on what the coordinator remembers.
/// </remarks>
internal sealed class RequestMapping
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>Ended trials never change again, so their messages are kept: histories grow long.</summary>
    private readonly Dictionary<string, Wire.Trial> _ended = new(StringComparer.Ordinal);

    /// <summary>The request for so many more points.</summary>
    public Wire.GetSuggestionsRequest ToRequest(ExperimentSpec spec, ExperimentState state, int count)
    {
        var experiment = ToWire(spec, state.SettingsEcho);
        var request = new Wire.GetSuggestionsRequest
        {
            Experiment = experiment,
            CurrentRequestNumber = count,
            TotalRequestNumber = spec.PriorResults.Length + state.Trials.Length + count,
        };
        request.Trials.Add(spec.PriorResults.Select((result, i) => ToWire(spec, result, i, state.StartedAt, experiment.Spec.Objective)));
        request.Trials.Add(state.Trials.Select(t => Remembered(t, spec.Objective, experiment.Spec.Objective)));
        return request;
    }

    /// <summary>The experiment; echoed settings are merged over the user's, by name.</summary>
    public static Wire.Experiment ToWire(ExperimentSpec spec, ImmutableArray<KeyValuePair<string, string>> echo)
    {
        var parameters = new Wire.ExperimentSpec.Types.ParameterSpecs();
        parameters.Parameters.Add(spec.Parameters.Select(WireMapping.ToWire));
        var objective = new Wire.ObjectiveSpec
        {
            Type = spec.Objective.Maximize ? Wire.ObjectiveType.Maximize : Wire.ObjectiveType.Minimize,
            Goal = spec.Objective.Goal ?? 0,
            ObjectiveMetricName = spec.Objective.MetricName,
        };
        objective.AdditionalMetricNames.Add(spec.Objective.AdditionalMetricNames);
        var algorithm = new Wire.AlgorithmSpec { AlgorithmName = spec.Algorithm.Name };
        algorithm.AlgorithmSettings.Add(Merge(spec.Algorithm.Settings, echo).Select(
            static s => new Wire.AlgorithmSetting { Name = s.Key, Value = s.Value }));
        return new()
        {
            Name = spec.Name,
            Spec = new()
            {
                ParameterSpecs = parameters,
                Objective = objective,
                Algorithm = algorithm,
                EarlyStopping = spec.EarlyStopping is null ? null : ToWire(spec.EarlyStopping),
                ParallelTrialCount = spec.ParallelTrialCount,
                MaxTrialCount = spec.MaxTrialCount ?? 0,
            },
        };
    }

    /// <summary>The rule for early stopping with its settings.</summary>
    public static Wire.EarlyStoppingSpec ToWire(AlgorithmSpec stopping)
    {
        var wire = new Wire.EarlyStoppingSpec { AlgorithmName = stopping.Name };
        wire.AlgorithmSettings.Add(stopping.Settings.Select(
            static s => new Wire.EarlyStoppingSetting { Name = s.Key, Value = s.Value }));
        return wire;
    }

    /// <summary>The proposed points, in their order.</summary>
    public static ImmutableArray<ImmutableArray<Assignment>> FromReply(Wire.GetSuggestionsReply reply) =>
        [.. reply.ParameterAssignments.Select(static p =>
            p.Assignments.Select(static a => new Assignment(a.Name, a.Value)).ToImmutableArray())];

    /// <summary>The settings that the service wants to hear again.</summary>
    public static ImmutableArray<KeyValuePair<string, string>> EchoOf(Wire.GetSuggestionsReply reply) =>
        [.. (reply.Algorithm?.AlgorithmSettings ?? []).Select(static s => KeyValuePair.Create(s.Name, s.Value))];

    /// <summary>Settings with others of the same name overwritten and new ones appended.</summary>
    public static ImmutableArray<KeyValuePair<string, string>> Merge(
        ImmutableArray<KeyValuePair<string, string>> settings, ImmutableArray<KeyValuePair<string, string>> over)
    {
        var merged = settings.ToList();
        foreach (var setting in over)
        {
            var at = merged.FindIndex(s => s.Key == setting.Key);
            if (at < 0)
            {
                merged.Add(setting);
            }
            else
            {
                merged[at] = setting;
            }
        }

        return [.. merged];
    }

    private Wire.Trial Remembered(TrialState trial, ObjectiveSpec objective, Wire.ObjectiveSpec wireObjective)
    {
        if (_ended.TryGetValue(trial.Name, out var known))
        {
            return known;
        }

        var wire = ToWire(trial, objective, wireObjective);
        if (!trial.IsActive)
        {
            _ended[trial.Name] = wire;
        }

        return wire;
    }

    /// <summary>A result from elsewhere, as a trial that ended when the experiment began.</summary>
    private static Wire.Trial ToWire(
        ExperimentSpec spec, PriorResult result, int index, DateTimeOffset begun, Wire.ObjectiveSpec wireObjective)
    {
        var assignments = new Wire.TrialSpec.Types.ParameterAssignments();
        assignments.Assignments.Add(result.Point.Select(static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        var observation = new Wire.Observation();
        observation.Metrics.Add(new Wire.Metric { Name = spec.Objective.MetricName, Value = Numbers.Format(result.Value) });
        return new()
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{spec.Name}-prior-{index + 1:0000}"),
            Spec = new() { Objective = wireObjective, ParameterAssignments = assignments },
            Status = new()
            {
                StartTime = Format(begun),
                CompletionTime = Format(begun),
                Condition = Wire.TrialStatus.Types.TrialConditionType.Succeeded,
                Observation = observation,
            },
        };
    }

    private static Wire.Trial ToWire(TrialState trial, ObjectiveSpec objective, Wire.ObjectiveSpec wireObjective)
    {
        var assignments = new Wire.TrialSpec.Types.ParameterAssignments();
        assignments.Assignments.Add(trial.Assignments.Select(
            static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        var status = new Wire.TrialStatus
        {
            StartTime = Format(trial.StartedAt),
            CompletionTime = Format(trial.EndedAt),
            Condition = ToCondition(trial.Status),
        };
        var metrics = trial.Observation.Metrics
            .Select(m => new Wire.Metric { Name = m.Name, Value = m.By(objective.Strategies[m.Name]) })
            .Where(static m => m.Value is not MetricSummary.Unavailable);
        if (!trial.IsActive)
        {
            status.Observation = new();
            status.Observation.Metrics.Add(metrics);
        }

        return new()
        {
            Name = trial.Name,
            Spec = new() { Objective = wireObjective, ParameterAssignments = assignments },
            Status = status,
        };
    }

    private static string Format(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture) ?? "";

    private static Wire.TrialStatus.Types.TrialConditionType ToCondition(TrialStatus status) => status switch
    {
        TrialStatus.Created => Wire.TrialStatus.Types.TrialConditionType.Created,
        TrialStatus.Running => Wire.TrialStatus.Types.TrialConditionType.Running,
        TrialStatus.Succeeded => Wire.TrialStatus.Types.TrialConditionType.Succeeded,
        TrialStatus.Killed => Wire.TrialStatus.Types.TrialConditionType.Killed,
        TrialStatus.Failed => Wire.TrialStatus.Types.TrialConditionType.Failed,
        TrialStatus.MetricsUnavailable => Wire.TrialStatus.Types.TrialConditionType.Metricsunavailable,
        TrialStatus.EarlyStopped => Wire.TrialStatus.Types.TrialConditionType.Earlystopped,
        _ => Wire.TrialStatus.Types.TrialConditionType.Unknown,
    };
}
