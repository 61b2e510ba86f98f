using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>Budgets in place of those that an experiment has; null leaves one as it is.</summary>
/// <param name="Parallel">parallelTrialCount; not above the number of trials in all.</param>
/// <param name="MaxTrials">maxTrialCount.</param>
/// <param name="MaxFailed">maxFailedTrialCount.</param>
public sealed record BudgetChange(int? Parallel, int? MaxTrials, int? MaxFailed)
{
    /// <summary>The experiment with these budgets, or what is wrong with them.</summary>
    public ParsedExperiment ApplyTo(ExperimentSpec spec)
    {
        var manifest = spec.Manifest.DeepClone().AsObject();
        var fields = manifest["spec"]!.AsObject();
        if ((MaxTrials ?? spec.MaxTrialCount) is { } max)
        {
            fields["maxTrialCount"] = max;
        }

        if ((MaxFailed ?? spec.MaxFailedTrialCount) is { } maxFailed)
        {
            fields["maxFailedTrialCount"] = MaxFailed is null && MaxTrials < maxFailed ? MaxTrials : maxFailed;
        }

        fields["parallelTrialCount"] = Math.Min(Parallel ?? spec.ParallelTrialCount, MaxTrials ?? int.MaxValue);
        return ExperimentYaml.Parse(manifest.ToJsonString());
    }
}
