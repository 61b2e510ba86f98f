using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>How an experiment's run objects and their pods are found again.</summary>
/// <remarks>Katib's own labels, and beside them what tells apart the trials of two stores, and two attempts at one trial.</remarks>
internal sealed record TrialLabels(string Store, string Experiment)
{
    /// <summary>Katib's label with the trial's name.</summary>
    public const string Trial = "katib.kubeflow.org/trial";

    /// <summary>The attempt's number.</summary>
    public const string Attempt = "tuning.katib/attempt";

    /// <summary>Marks what stays when it has ended.</summary>
    public const string Kept = "tuning.katib/kept";

    private const string ExperimentLabel = "katib.kubeflow.org/experiment";
    private const string StoreLabel = "tuning.katib/store";

    /// <summary>Selects everything of the experiment, as a query.</summary>
    public string Selector => Query($"{ExperimentLabel}={Experiment},{StoreLabel}={Store}");

    /// <summary>Selects everything of one trial, as a query.</summary>
    public string SelectorOf(string trial) => Query($"{ExperimentLabel}={Experiment},{StoreLabel}={Store},{Trial}={trial}");

    /// <summary>What marks everything of one attempt.</summary>
    public Dictionary<string, string> Of(TrialJob job)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [ExperimentLabel] = Experiment,
            [Trial] = job.Trial,
            [StoreLabel] = Store,
            [Attempt] = NumberOf(job),
        };
        if (job.IsKept)
        {
            labels[Kept] = "true";
        }

        return labels;
    }

    /// <summary>Whether it is a trial's of this store and experiment.</summary>
    public bool Covers(JsonObject subject) =>
        subject.Label(ExperimentLabel) == Experiment && subject.Label(StoreLabel) == Store;

    /// <summary>The attempt's number as it stands in a label.</summary>
    public static string NumberOf(TrialJob job) => job.Attempt.ToString(CultureInfo.InvariantCulture);

    private static string Query(string selector) => $"labelSelector={Uri.EscapeDataString(selector)}";
}
