using System.Collections.Frozen;

namespace Katib.Coordinator.Runners.Local;

/// <summary>What a local process makes of the fields of one kind of object.</summary>
/// <param name="Read">Honoured by the translation.</param>
/// <param name="Ignored">Concern placement, isolation or upkeep on a cluster only; a note names them.</param>
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

    public static FieldRules Pod { get; } = Create(
        ["containers", "activeDeadlineSeconds"],
        [
            "nodeSelector", "nodeName", "tolerations", "affinity", "topologySpreadConstraints", "schedulerName",
            "schedulingGates", "runtimeClassName", "priorityClassName", "priority", "preemptionPolicy", "overhead",
            "resources", "resourceClaims", "securityContext", "serviceAccount", "serviceAccountName",
            "automountServiceAccountToken", "imagePullSecrets", "restartPolicy", "dnsPolicy", "dnsConfig",
            "enableServiceLinks", "terminationGracePeriodSeconds", "readinessGates", "hostUsers", "os",
        ],
        [
            ("volumes", "Volumes are not mounted on this machine"),
            ("initContainers", "Init containers run an image first, and images are not run here"),
            ("ephemeralContainers", "Only the primary container is run here"),
            ("hostNetwork", "The network of a cluster's node is not this machine's"),
            ("hostPID", "The processes of a cluster's node are not this machine's"),
            ("hostIPC", "The memory of a cluster's node is not this machine's"),
            ("shareProcessNamespace", "Only the primary container is run here"),
            ("hostAliases", "Names of hosts are not changed on this machine"),
            ("hostname", "The name of this machine is not changed"),
            ("hostnameOverride", "The name of this machine is not changed"),
            ("setHostnameAsFQDN", "The name of this machine is not changed"),
            ("subdomain", "The name of this machine is not changed"),
        ]);

    public static FieldRules Container { get; } = Create(
        ["name", "command", "args", "env", "workingDir"],
        [
            "image", "imagePullPolicy", "resources", "resizePolicy", "ports", "securityContext",
            "terminationMessagePath", "terminationMessagePolicy", "readinessProbe",
        ],
        [
            ("volumeMounts", "Volumes are not mounted on this machine"),
            ("volumeDevices", "Volumes are not mounted on this machine"),
            ("envFrom", "ConfigMaps and Secrets are objects of a cluster: write the values under env"),
            ("lifecycle", "Hooks are run by a cluster's node"),
            ("livenessProbe", "Probes are made by a cluster's node"),
            ("startupProbe", "Probes are made by a cluster's node"),
            ("restartPolicy", "A local process is not restarted"),
            ("restartPolicyRules", "A local process is not restarted"),
            ("stdin", "A trial's standard input is empty here"),
            ("stdinOnce", "A trial's standard input is empty here"),
            ("tty", "A trial has no terminal here"),
        ]);

    public static FieldRules Variable { get; } = Create(
        ["name", "value"],
        [],
        [("valueFrom", "What it refers to is an object of a cluster: write the value itself")]);

    private static FieldRules Create(string[] read, string[] ignored, (string Field, string Why)[] refused) => new(
        read.ToFrozenSet(StringComparer.Ordinal),
        ignored.ToFrozenSet(StringComparer.Ordinal),
        refused.ToFrozenDictionary(static rule => rule.Field, static rule => rule.Why, StringComparer.Ordinal));
}
