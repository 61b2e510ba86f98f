using System.Text.Json.Nodes;

namespace Katib.Coordinator.Manifests;

/// <summary>What Katib fills into a trial template whose kind it knows.</summary>
/// <param name="SuccessCondition">When a run object has succeeded, as a GJSON path.</param>
/// <param name="FailureCondition">When it has failed.</param>
/// <param name="PodLabels">Which of its pods is the primary one; empty for all.</param>
internal sealed record TrialDefaults(
    string SuccessCondition, string FailureCondition, params KeyValuePair<string, string>[] PodLabels)
{
    private static readonly TrialDefaults Job = new(Condition("Complete"), Condition("Failed"));

    private static readonly TrialDefaults TrainingJob = new(
        Condition("Succeeded"), Condition("Failed"), new KeyValuePair<string, string>("training.kubeflow.org/job-role", "master"));

    private static readonly TrialDefaults TrainJob = new(
        Condition("Complete"),
        Condition("Failed"),
        new KeyValuePair<string, string>("jobset.sigs.k8s.io/replicatedjob-name", "node"),
        new KeyValuePair<string, string>("batch.kubernetes.io/job-completion-index", "0"));

    /// <summary>The defaults of a kind, whatever its API version; null when it has none.</summary>
    public static TrialDefaults? Of(string kind) => kind switch
    {
        "Job" => Job,
        "TFJob" or "PyTorchJob" or "XGBoostJob" or "MPIJob" => TrainingJob,
        "TrainJob" => TrainJob,
        _ => null,
    };

    /// <summary>The labels as JSON.</summary>
    public JsonObject LabelsToJson() => new(PodLabels.Select(static l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));

    private static string Condition(string type) => $"""status.conditions.#(type=="{type}")#|#(status=="True")#""";
}
