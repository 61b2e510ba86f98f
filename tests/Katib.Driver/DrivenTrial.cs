using System.Collections.Immutable;
using System.Globalization;
using Wire = Api.V1.Beta1;
using WireCondition = Api.V1.Beta1.TrialStatus.Types.TrialConditionType;

namespace Katib.Driver;

/// <summary>A trial as the controller keeps it, with a life that is thrown by dice.</summary>
public sealed class DrivenTrial
{
    private static readonly string[] OddValues = ["NaN", "", "unavailable", "inf", "-Infinity", "1,5", "diverged"];

    private readonly List<WireCondition> _conditions = [];
    private DateTimeOffset? _started;
    private DateTimeOffset? _completed;
    private string? _metric;

    internal DrivenTrial(string name, ImmutableArray<Assignment> assignments) =>
        (Name, Assignments) = (name, assignments);

    /// <summary>Its name: the one that the service gave, or else one of the controller's.</summary>
    public string Name { get; }

    /// <summary>Its parameters, in the order of the reply.</summary>
    public ImmutableArray<Assignment> Assignments { get; }

    /// <summary>Where it stands; what is sent may differ, see <see cref="IsHidden"/>.</summary>
    public TrialStatus Status { get; private set; }

    /// <summary>Whether the controller leaves it out of its requests.</summary>
    public bool IsHidden => Status is TrialStatus.MetricsUnavailable || IsStoppedWithoutMetric;

    internal bool IsActive => Status is TrialStatus.Created or TrialStatus.Running;

    internal bool IsStoppedWithoutMetric => Status is TrialStatus.EarlyStopped && _metric is null;

    /// <summary>The parameters as one line.</summary>
    public override string ToString() => TextOf(Assignments);

    internal static string TextOf(IEnumerable<Assignment> assignments) =>
        string.Join(", ", assignments.Select(static a => $"{a.Name}={a.Value}"));

    /// <summary>Lets one round pass.</summary>
    internal void Advance(Dice dice, DateTimeOffset now, Faults faults, Func<DrivenTrial, double> objective)
    {
        switch (Status)
        {
            case TrialStatus.Created when dice.Chance(0.7):
                _started = now;
                _conditions.Add(WireCondition.Created);
                Become(TrialStatus.Running, WireCondition.Running);
                break;
            case TrialStatus.Running when dice.Chance(0.5):
                _completed = now;
                End(dice, faults, objective);
                break;
            case TrialStatus.EarlyStopped when IsStoppedWithoutMetric && dice.Chance(0.5):
                _metric = Format(objective(this));
                break;
            default:
                break;
        }
    }

    /// <summary>The trial as the controller sends it: conditions by their last element, no labels.</summary>
    internal Wire.Trial ToWire(Wire.ObjectiveSpec objective, Dice dice)
    {
        var assignments = new Wire.TrialSpec.Types.ParameterAssignments();
        assignments.Assignments.Add(Assignments.Select(
            static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        var trial = new Wire.Trial
        {
            Name = Name,
            Spec = new() { Objective = objective, ParameterAssignments = assignments },
            Status = new()
            {
                StartTime = Format(_started),
                CompletionTime = Format(_completed),
                Condition = _conditions.LastOrDefault(WireCondition.Created),
                Observation = new(),
            },
        };

        // The order of the metrics is that of a Go map, and a metric without a strategy has an empty value.
        var additional = objective.AdditionalMetricNames.Select(static name => new Wire.Metric { Name = name });
        var metrics = _metric is null
            ? []
            : additional.Append(new() { Name = objective.ObjectiveMetricName, Value = _metric });
        trial.Status.Observation.Metrics.Add(dice.Shuffle(metrics));
        return trial;
    }

    private static string Format(DateTimeOffset? time) =>
        time?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    private static string Format(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private void End(Dice dice, Faults faults, Func<DrivenTrial, double> objective)
    {
        if (!dice.Chance(faults.TrialGoesWrong))
        {
            _metric = dice.Chance(faults.OddMetric) ? dice.Pick(OddValues) : Format(objective(this));
            Become(TrialStatus.Succeeded, WireCondition.Succeeded);
            return;
        }

        switch (dice.Below(4))
        {
            case 0:
                Become(TrialStatus.Failed, WireCondition.Failed);
                break;
            case 1:
                Become(TrialStatus.Killed, WireCondition.Killed);
                break;
            case 2:
                Become(TrialStatus.MetricsUnavailable, WireCondition.Unknown);
                break;
            default:
                // The early-stopping service races with the controller: the last condition may be Running=False.
                Become(TrialStatus.EarlyStopped, dice.Chance(0.25) ? WireCondition.Running : WireCondition.Earlystopped);
                break;
        }
    }

    private void Become(TrialStatus status, WireCondition condition)
    {
        Status = status;
        _conditions.Add(condition);
    }
}
