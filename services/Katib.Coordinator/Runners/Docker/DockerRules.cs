using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>What a container of Docker's makes of a run object.</summary>
internal static class DockerRules
{
    private const string OneContainer = "Only the primary container is run";
    private const string NotMounted = "Of volumes, emptyDir and hostPath are mounted";

    public static RunObjectRules RunObject { get; } = new(
        "Docker runner",
        "container",
        FieldRules.Create(
            ["containers", "activeDeadlineSeconds", "volumes", "securityContext"],
            [
                "nodeSelector", "nodeName", "tolerations", "affinity", "topologySpreadConstraints", "schedulerName",
                "schedulingGates", "runtimeClassName", "priorityClassName", "priority", "preemptionPolicy", "overhead",
                "serviceAccount", "serviceAccountName", "automountServiceAccountToken", "imagePullSecrets",
                "restartPolicy", "dnsPolicy", "enableServiceLinks", "terminationGracePeriodSeconds", "readinessGates",
                "os",
            ],
            [
                ("resources", "A limit for a whole pod is not known to Docker: write it at the container"),
                ("resourceClaims", "What is claimed is an object of a cluster"),
                ("initContainers", OneContainer),
                ("ephemeralContainers", OneContainer),
                ("shareProcessNamespace", OneContainer),
                ("hostNetwork", "The network of a cluster's node is not this machine's"),
                ("hostPID", "The processes of a cluster's node are not this machine's"),
                ("hostIPC", "The memory of a cluster's node is not this machine's"),
                ("hostUsers", "User namespaces are set for a whole Docker daemon"),
                ("hostAliases", "Names of hosts are Docker's own here"),
                ("dnsConfig", "Names of hosts are Docker's own here"),
                ("hostname", "The container's name is Docker's own here"),
                ("hostnameOverride", "The container's name is Docker's own here"),
                ("setHostnameAsFQDN", "The container's name is Docker's own here"),
                ("subdomain", "The container's name is Docker's own here"),
            ]),
        FieldRules.Create(
            [
                "name", "image", "imagePullPolicy", "command", "args", "env", "workingDir", "resources",
                "securityContext", "volumeMounts",
            ],
            ["resizePolicy", "ports", "terminationMessagePath", "terminationMessagePolicy", "readinessProbe"],
            [
                ("volumeDevices", NotMounted),
                ("envFrom", "ConfigMaps and Secrets are objects of a cluster: write the values under env"),
                ("lifecycle", "Hooks are run by a cluster's node"),
                ("livenessProbe", "Probes are made by a cluster's node"),
                ("startupProbe", "Probes are made by a cluster's node"),
                ("restartPolicy", "A trial's container is not restarted"),
                ("restartPolicyRules", "A trial's container is not restarted"),
                ("stdin", "A trial's standard input is empty here"),
                ("stdinOnce", "A trial's standard input is empty here"),
                ("tty", "A trial has no terminal here"),
            ]));

    public static FieldRules Resources { get; } = FieldRules.Create(
        ["limits"], ["requests"], [("claims", "What is claimed is an object of a cluster")]);

    public static FieldRules Limits { get; } = FieldRules.Create(
        ["cpu", "memory", "nvidia.com/gpu"], ["ephemeral-storage"], []);

    public static FieldRules Security { get; } = FieldRules.Create(
        [
            "runAsUser", "runAsGroup", "runAsNonRoot", "readOnlyRootFilesystem", "capabilities",
            "allowPrivilegeEscalation", "seccompProfile", "appArmorProfile", "supplementalGroups", "fsGroup",
        ],
        ["fsGroupChangePolicy", "supplementalGroupsPolicy", "seLinuxChangePolicy"],
        [
            ("privileged", "A trial does not get all of this machine"),
            ("seLinuxOptions", "SELinux labels belong to a cluster's nodes"),
            ("windowsOptions", "Trials run on Linux"),
            ("procMount", "What of /proc is shown is Docker's own here"),
            ("sysctls", "Kernel settings are those of this machine"),
        ]);

    public static FieldRules Profile { get; } = FieldRules.Create(
        ["type"], [], [("localhostProfile", "A profile of a cluster's node is not on this machine")]);

    public static FieldRules Capabilities { get; } = FieldRules.Create(["add", "drop"], [], []);

    public static FieldRules Volume { get; } = FieldRules.Create(
        ["name", "emptyDir", "hostPath"],
        [],
        [
            .. new[]
            {
                "persistentVolumeClaim", "configMap", "secret", "projected", "downwardAPI", "ephemeral", "csi", "nfs",
                "image", "iscsi", "fc", "cephfs", "flexVolume", "rbd", "local",
            }.Select(static kind => (kind, NotMounted)),
        ]);

    public static FieldRules EmptyDirectory { get; } = FieldRules.Create(["medium", "sizeLimit"], [], []);

    public static FieldRules HostPath { get; } = FieldRules.Create(["path", "type"], [], []);

    public static FieldRules VolumeMount { get; } = FieldRules.Create(
        ["name", "mountPath", "readOnly", "subPath"],
        [],
        [
            ("subPathExpr", "Which part of a volume is mounted is not expanded"),
            ("mountPropagation", "Mounts do not pass between containers"),
            ("recursiveReadOnly", "Docker decides what is read-only below a mount"),
        ]);
}
