using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners.Docker;
using Katib.Coordinator.Runners.Kubernetes;
using Katib.Coordinator.Runners.Local;

namespace Katib.Coordinator.Runners;

/// <summary>Where a runner's trials belong, and what it may use.</summary>
/// <param name="Store">Tells the trials of one store from those of another that uses the same daemon.</param>
/// <param name="Namespace">The experiment's namespace.</param>
/// <param name="Experiment">Its name.</param>
/// <param name="Folder">Where its trials leave what they leave, <c>TRIAL/ATTEMPT</c>; its own alone.</param>
/// <param name="WorkingDirectory">Where processes start.</param>
/// <param name="Gpus">The devices, each for one trial at a time; empty to leave the choice to the trials.</param>
public sealed record RunnerSite(
    string Store,
    string Namespace,
    string Experiment,
    string Folder,
    string WorkingDirectory,
    ImmutableArray<string> Gpus)
{
    /// <summary>What its trials run.</summary>
    public required TrialTemplate Template { get; init; }
}

/// <summary>The ways to run trials.</summary>
public static class TrialRunners
{
    /// <summary>What the runner says of an experiment's template, without a look at any machine.</summary>
    public static TemplateCheck Check(this RunnerKind kind, ExperimentSpec spec) => kind switch
    {
        RunnerKind.Kubernetes => KubernetesRules.Check(spec.Template, spec.MetricsCollector),
        RunnerKind.Docker => WithoutConditions(spec.Template, ContainerPlan.Check(spec.Template, spec.MetricsCollector)),
        _ => WithoutConditions(
            spec.Template,
            LocalJob.Check(spec.Template.RunObject, spec.Template.PrimaryContainerName, spec.MetricsCollector)),
    };

    /// <summary>A runner of one experiment's trials; <paramref name="progress"/> hears of what keeps them waiting.</summary>
    /// <exception cref="RunnerUnavailableException">It cannot be reached from here.</exception>
    public static ITrialRunner Create(
        this RunnerKind kind,
        RunnerSite site,
        Func<TrialJob, ILineParser> parsers,
        IProgress<string> progress,
        TimeProvider time) => kind switch
        {
            RunnerKind.Kubernetes => new KubernetesRunner(
                new(site.Store, site.Namespace, site.Experiment, site.Folder, site.Template), parsers, progress, time),
            RunnerKind.Docker => new DockerRunner(
                new(site.Store, site.Namespace, site.Experiment, site.Folder, site.Gpus), parsers, progress, time),
            _ => new ProcessRunner(new(site.Folder, site.WorkingDirectory, site.Gpus), parsers, time),
        };

    /// <summary>Off a cluster a trial ends with its program: there is no object that could say otherwise.</summary>
    private static TemplateCheck WithoutConditions(TrialTemplate template, TemplateCheck check)
    {
        if (TrialDefaults.Of((string?)template.RunObject["kind"] ?? "") is not { } defaults)
        {
            return check;
        }

        (string Name, string Value, string Default)[] conditions =
        [
            ("successCondition", template.SuccessCondition, defaults.SuccessCondition),
            ("failureCondition", template.FailureCondition, defaults.FailureCondition),
        ];
        return check with
        {
            Problems = check.Problems.AddRange(conditions.Where(static c => c.Value.Trim() != c.Default).Select(static c => new Problem(
                $"trialTemplate.{c.Name}",
                c.Value,
                $"Without a cluster only Katib's default, {c.Default}, is understood; remove it, or run with --runner kubernetes."))),
        };
    }
}
