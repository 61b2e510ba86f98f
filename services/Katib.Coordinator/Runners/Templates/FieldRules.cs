using System.Collections.Frozen;

namespace Katib.Coordinator.Runners.Templates;

/// <summary>What a runner makes of the fields of one kind of object.</summary>
/// <param name="Read">Honoured by the translation.</param>
/// <param name="Ignored">Mean nothing to what the program sees and does; a note names them.</param>
/// <param name="Refused">Would change what the program sees or does; the value says what they ask for.</param>
internal sealed record FieldRules(
    FrozenSet<string> Read, FrozenSet<string> Ignored, FrozenDictionary<string, string> Refused)
{
    public static FieldRules Metadata { get; } = Create(
        ["name", "generateName", "namespace", "creationTimestamp", "uid", "resourceVersion", "generation"],
        ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"],
        []);

    public static FieldRules Root { get; } = Create(["apiVersion", "kind", "metadata", "spec", "status"], [], []);

    public static FieldRules Job { get; } = Create(
        ["template", "activeDeadlineSeconds", "parallelism", "completions"],
        [
            "backoffLimit", "ttlSecondsAfterFinished", "completionMode", "manualSelector", "selector",
            "podFailurePolicy", "podReplacementPolicy", "managedBy",
        ],
        [
            ("suspend", "A suspended job does not start"),
            ("backoffLimitPerIndex", "An indexed job runs several pods"),
            ("maxFailedIndexes", "An indexed job runs several pods"),
            ("successPolicy", "An indexed job runs several pods"),
        ]);

    public static FieldRules TrainingJob { get; } = Create(
        ["tfReplicaSpecs", "pytorchReplicaSpecs", "runPolicy"],
        ["successPolicy", "enableDynamicWorker"],
        [
            ("elasticPolicy", "An elastic job runs several pods"),
            ("nprocPerNode", "Several processes per node need the training operator's environment"),
        ]);

    public static FieldRules RunPolicy { get; } = Create(
        ["activeDeadlineSeconds"],
        ["cleanPodPolicy", "ttlSecondsAfterFinished", "backoffLimit", "schedulingPolicy", "managedBy"],
        [("suspend", "A suspended job does not start")]);

    public static FieldRules Replica { get; } = Create(["replicas", "template"], ["restartPolicy"], []);

    public static FieldRules PodTemplate { get; } = Create(["metadata", "spec"], [], []);

    public static FieldRules Variable { get; } = Create(
        ["name", "value"],
        [],
        [("valueFrom", "What it refers to is an object of a cluster: write the value itself")]);

    public static FieldRules Create(string[] read, string[] ignored, (string Field, string Why)[] refused) => new(
        read.ToFrozenSet(StringComparer.Ordinal),
        ignored.ToFrozenSet(StringComparer.Ordinal),
        refused.ToFrozenDictionary(static rule => rule.Field, static rule => rule.Why, StringComparer.Ordinal));
}
