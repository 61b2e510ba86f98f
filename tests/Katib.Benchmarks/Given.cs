using System.Collections.Immutable;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Wire = Api.V1.Beta1;

namespace Katib.Benchmarks;

/// <summary>The experiments and trials that are measured with.</summary>
internal static class Given
{
    public const string Metric = "loss";

    private static readonly string[] Optimizers = ["adam", "sgd", "ftrl", "rmsprop"];

    /// <summary>An experiment whose worker prints its objective and ends.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="trials">Its maxTrialCount.</param>
    /// <param name="parallel">How many run at once.</param>
    /// <param name="parameters">How many parameters it has, of all four types in turn.</param>
    /// <param name="script">What the worker does, as a line of shell.</param>
    public static ExperimentSpec Experiment(string name, int trials, int parallel, int parameters, string script = $"echo {Metric}=1")
    {
        var numbers = Enumerable.Range(0, parameters).ToArray();
        var parsed = ExperimentYaml.Parse(FormattableString.Invariant($$"""
            apiVersion: kubeflow.org/v1beta1
            kind: Experiment
            metadata: { name: {{name}} }
            spec:
              objective: { type: minimize, objectiveMetricName: {{Metric}} }
              algorithm: { algorithmName: random }
              parallelTrialCount: {{parallel}}
              maxTrialCount: {{trials}}
              parameters:
            {{string.Join('\n', numbers.Select(Parameter))}}
              trialTemplate:
                primaryContainerName: training
                trialParameters:
            {{string.Join('\n', numbers.Select(static i => $"    - {{ name: p{i}, reference: p{i}, description: p{i} }}"))}}
                trialSpec:
                  apiVersion: batch/v1
                  kind: Job
                  spec:
                    template:
                      spec:
                        restartPolicy: Never
                        containers:
                          - name: training
                            image: busybox:1.37
                            command: [sh, -c, {{System.Text.Json.JsonSerializer.Serialize(script)}}, {{string.Join(", ", numbers.Select(static i => $"\"${{trialParameters.p{i}}}\""))}}]
            """));
        return parsed.Spec ?? throw new InvalidOperationException(string.Join('\n', parsed.Problems));
    }

    /// <summary>Parameters of all types, with values that differ from trial to trial.</summary>
    public static ImmutableArray<Assignment> Assignments(int trial, int parameters = 10) =>
        [.. Enumerable.Range(0, parameters).Select(i => new Assignment($"p{i}", Value(i, trial)))];

    /// <summary>A request for one more point after so many trials.</summary>
    public static Wire.GetSuggestionsRequest Request(int trials, int parameters = 10)
    {
        var specs = new Wire.ExperimentSpec.Types.ParameterSpecs();
        specs.Parameters.Add(Enumerable.Range(0, parameters).Select(WireParameter));
        var objective = new Wire.ObjectiveSpec { Type = Wire.ObjectiveType.Minimize, ObjectiveMetricName = Metric };
        var request = new Wire.GetSuggestionsRequest
        {
            Experiment = new()
            {
                Name = "bench",
                Spec = new()
                {
                    ParameterSpecs = specs,
                    Objective = objective,
                    Algorithm = new() { AlgorithmName = "random" },
                    ParallelTrialCount = 3,
                },
            },
            CurrentRequestNumber = 1,
            TotalRequestNumber = trials + 1,
        };
        request.Trials.Add(Enumerable.Range(0, trials).Select(t => WireTrial(t, parameters, objective)));
        return request;
    }

    private static string Parameter(int i) => (i % 4) switch
    {
        0 => $"    - {{ name: p{i}, parameterType: double, feasibleSpace: {{ min: \"0\", max: \"1000\" }} }}",
        1 => $"    - {{ name: p{i}, parameterType: int, feasibleSpace: {{ min: \"0\", max: \"100000\" }} }}",
        2 => $"    - {{ name: p{i}, parameterType: discrete, feasibleSpace: {{ list: [\"0.1\", \"0.2\", \"0.5\"] }} }}",
        _ => $"    - {{ name: p{i}, parameterType: categorical, feasibleSpace: {{ list: [{string.Join(", ", Optimizers)}] }} }}",
    };

    private static Wire.ParameterSpec WireParameter(int i)
    {
        var space = new Wire.FeasibleSpace();
        switch (i % 4)
        {
            case 0:
                (space.Min, space.Max) = ("0", "1000");
                break;
            case 1:
                (space.Min, space.Max) = ("0", "100000");
                break;
            case 2:
                space.List.Add(["0.1", "0.2", "0.5"]);
                break;
            default:
                space.List.Add(Optimizers);
                break;
        }

        return new()
        {
            Name = $"p{i}",
            ParameterType = (i % 4) switch
            {
                0 => Wire.ParameterType.Double,
                1 => Wire.ParameterType.Int,
                2 => Wire.ParameterType.Discrete,
                _ => Wire.ParameterType.Categorical,
            },
            FeasibleSpace = space,
        };
    }

    private static Wire.Trial WireTrial(int number, int parameters, Wire.ObjectiveSpec objective)
    {
        var assignments = new Wire.TrialSpec.Types.ParameterAssignments();
        assignments.Assignments.Add(Assignments(number, parameters).Select(
            static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        var observation = new Wire.Observation();
        var loss = (number * 37 % 101 / 101.0).ToString(CultureInfo.InvariantCulture);
        observation.Metrics.Add(new Wire.Metric { Name = Metric, Value = loss });
        return new()
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"bench-{number:00000}"),
            Spec = new() { Objective = objective, ParameterAssignments = assignments },
            Status = new()
            {
                StartTime = "2026-01-01T00:00:00Z",
                CompletionTime = "2026-01-01T00:00:01Z",
                Condition = Wire.TrialStatus.Types.TrialConditionType.Succeeded,
                Observation = observation,
            },
        };
    }

    private static string Value(int i, int trial) => (i % 4) switch
    {
        0 => ((trial * 0.0123456789) + i).ToString(CultureInfo.InvariantCulture),
        1 => (trial + i).ToString(CultureInfo.InvariantCulture),
        2 => (trial % 3) switch { 0 => "0.1", 1 => "0.2", _ => "0.5" },
        _ => Optimizers[trial % Optimizers.Length],
    };
}
