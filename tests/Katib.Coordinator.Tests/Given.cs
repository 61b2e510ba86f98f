using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Tests;

/// <summary>Experiments and trials to test with.</summary>
internal static class Given
{
    public static DateTimeOffset Now { get; } = new(2020, 1, 1, 15, 4, 5, TimeSpan.Zero);

    /// <summary>A random search for the least loss over one double x.</summary>
    public static ExperimentSpec Spec(
        int? max = 12,
        int? maxFailed = null,
        int parallel = 3,
        double? goal = null,
        bool maximize = false,
        string algorithm = "random",
        string command = """[echo, "loss=${trialParameters.x}"]""",
        string resumePolicy = "Never") =>
        ExperimentYaml.Parse($$$"""
            apiVersion: kubeflow.org/v1beta1
            kind: Experiment
            metadata: { name: study }
            spec:
              objective:
                type: {{{(maximize ? "maximize" : "minimize")}}}
                objectiveMetricName: loss
                {{{(goal is null ? "" : FormattableString.Invariant($"goal: {goal}"))}}}
              algorithm: { algorithmName: {{{algorithm}}} }
              parallelTrialCount: {{{parallel}}}
              resumePolicy: {{{resumePolicy}}}
              {{{(max is null ? "" : $"maxTrialCount: {max}")}}}
              {{{(maxFailed is null ? "" : $"maxFailedTrialCount: {maxFailed}")}}}
              parameters:
                - { name: x, parameterType: double, feasibleSpace: { min: "0", max: "1" } }
              trialTemplate:
                primaryContainerName: main
                trialParameters: [{ name: x, reference: x }]
                trialSpec:
                  apiVersion: batch/v1
                  kind: Job
                  spec:
                    template:
                      spec:
                        containers:
                          - { name: main, image: busybox, command: {{{command}}} }
            """) switch
        {
            { Spec: { } spec } => spec,
            var broken => throw new InvalidOperationException(string.Join('\n', broken.Problems)),
        };

    /// <summary>A trial that stands as given; with a loss when it has one.</summary>
    public static TrialState Trial(int number, TrialStatus status, string? loss = null) => new(
        $"study-{number:0000}",
        number,
        [new("x", $"0.{number}")],
        status,
        Attempt: 1,
        "",
        "",
        Now,
        status is TrialStatus.Created ? null : Now,
        status is TrialStatus.Created or TrialStatus.Running ? null : Now,
        loss is null ? Observation.Of(["loss"]) : Observation.Of(["loss"]).Add(new MetricPoint("loss", loss, null)));

    /// <summary>An experiment that is under way with these trials.</summary>
    public static ExperimentState State(params ImmutableArray<TrialState> trials) =>
        new(trials, Now, EndedAt: null, Conditions.Begin(Now), []);
}
