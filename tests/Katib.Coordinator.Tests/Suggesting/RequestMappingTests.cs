using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Suggesting;
using Wire = Api.V1.Beta1;

namespace Katib.Coordinator.Tests.Suggesting;

public sealed class RequestMappingTests
{
    [Fact]
    public void Results_from_elsewhere_are_sent_before_the_trials()
    {
        var spec = Given.Spec() with { PriorResults = [new([new("x", "0.25")], 3)] };

        var request = new RequestMapping().ToRequest(spec, Given.State(Given.Trial(1, TrialStatus.Succeeded, "0.5")), 2);

        Assert.Equal(["study-prior-0001", "study-0001"], request.Trials.Select(static t => t.Name));
        Assert.Equal((4, 2), (request.TotalRequestNumber, request.CurrentRequestNumber));
        Assert.Equal("3.0", request.Trials[0].Status.Observation.Metrics.Single().Value);
        Assert.Equal("0.25", request.Trials[0].Spec.ParameterAssignments.Assignments.Single().Value);
    }

    /// <summary>Katib's case CL1, but for what the type's remarks name: trials without metrics are sent.</summary>
    [Fact]
    public void A_request_has_Katibs_shape()
    {
        var state = Given.State(
            Given.Trial(1, TrialStatus.Succeeded, "0.5"),
            Given.Trial(2, TrialStatus.EarlyStopped, "0.7"),
            Given.Trial(3, TrialStatus.MetricsUnavailable),
            Given.Trial(4, TrialStatus.Created)) with
        {
            SettingsEcho = [KeyValuePair.Create("random_state", "11"), KeyValuePair.Create("bracket", "2")],
        };
        var spec = Given.Spec() with { Algorithm = new("random", [KeyValuePair.Create("random_state", "10")]) };

        var request = new RequestMapping().ToRequest(spec, state, 2);

        Assert.Equal((2, 6), (request.CurrentRequestNumber, request.TotalRequestNumber));
        Assert.Equal(
            ["random_state=11", "bracket=2"],
            request.Experiment.Spec.Algorithm.AlgorithmSettings.Select(static s => $"{s.Name}={s.Value}"));
        Assert.Equal(
            [
                Wire.TrialStatus.Types.TrialConditionType.Succeeded, Wire.TrialStatus.Types.TrialConditionType.Earlystopped,
                Wire.TrialStatus.Types.TrialConditionType.Metricsunavailable, Wire.TrialStatus.Types.TrialConditionType.Created,
            ],
            request.Trials.Select(static t => t.Status.Condition));
        Assert.Equal("2020-01-01T15:04:05Z", request.Trials[0].Status.StartTime);
        Assert.Equal("2020-01-01T15:04:05Z", request.Trials[0].Status.CompletionTime);
        Assert.Equal("", request.Trials[3].Status.StartTime);
        Assert.Equal("", request.Trials[3].Status.CompletionTime);
        Assert.Empty(request.Trials[2].Status.Observation.Metrics);
        Assert.Empty(request.Trials[0].Spec.Labels);
        Assert.Equal(Wire.ObjectiveType.Minimize, request.Experiment.Spec.Objective.Type);
        Assert.Equal("loss", request.Trials[0].Spec.Objective.ObjectiveMetricName);
        Assert.Equal((3, 12), (request.Experiment.Spec.ParallelTrialCount, request.Experiment.Spec.MaxTrialCount));
    }

    /// <summary>Katib's case CL5.</summary>
    [Fact]
    public void A_metric_is_sent_as_the_value_that_its_strategy_picks()
    {
        var strategies = new Dictionary<string, MetricStrategy>(StringComparer.Ordinal)
        {
            ["error"] = MetricStrategy.Min,
            ["auc"] = MetricStrategy.Max,
            ["accuracy"] = MetricStrategy.Latest,
        };
        var spec = Given.Spec();
        spec = spec with
        {
            Objective = spec.Objective with
            {
                MetricName = "error",
                AdditionalMetricNames = ["auc", "accuracy"],
                Strategies = System.Collections.Immutable.ImmutableDictionary.CreateRange(strategies),
            },
        };
        var observation = Observation.Of(["error", "auc", "accuracy"]).Add(
        [
            new("error", "0.01", null), new("error", "0.08", null), new("error", "0.05", null),
            new("auc", "0.70", null), new("auc", "0.95", null), new("auc", "0.90", null),
            new("accuracy", "0.8", null), new("accuracy", "0.94", null), new("accuracy", "0.93", null),
        ]);
        var trial = Given.Trial(1, TrialStatus.Succeeded) with { Observation = observation };

        var request = new RequestMapping().ToRequest(spec, Given.State(trial), 1);

        Assert.Equal(
            ["error=0.01", "auc=0.95", "accuracy=0.93"],
            request.Trials[0].Status.Observation.Metrics.Select(static m => $"{m.Name}={m.Value}"));
    }

    [Fact]
    public void An_ended_trial_is_not_translated_twice_and_a_running_one_is()
    {
        var mapping = new RequestMapping();
        var spec = Given.Spec();

        var first = mapping.ToRequest(spec, Given.State(Given.Trial(1, TrialStatus.Succeeded, "1"), Given.Trial(2, TrialStatus.Running)), 1);
        var second = mapping.ToRequest(spec, Given.State(Given.Trial(1, TrialStatus.Succeeded, "1"), Given.Trial(2, TrialStatus.Failed)), 1);

        Assert.Same(first.Trials[0], second.Trials[0]);
        Assert.Equal(Wire.TrialStatus.Types.TrialConditionType.Failed, second.Trials[1].Status.Condition);
    }
}
