using System.Text.Json.Nodes;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Local;

/// <summary>What a process of this machine makes of a run object.</summary>
internal static class LocalRules
{
    private static FieldRules Pod { get; } = FieldRules.Create(
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

    private static FieldRules Container { get; } = FieldRules.Create(
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

    private static RunObjectRules Rules { get; } = new("local runner", "process of this machine", Pod, Container);

    /// <summary>Reads a run object; the command must be there, for the image has no say here.</summary>
    public static RunObjectTemplate Read(JsonObject runObject, string primaryContainerName)
    {
        var fields = new FieldReader(Rules.Name);
        var template = RunObjectReader.Read(runObject, primaryContainerName, Rules, fields);
        if (template.Container.Field.Length > 0 && template.Command is [] or [""])
        {
            fields.Refuse(template.CommandField, null, "The trial needs a command: the one of the image is not known "
                + "on this machine; write the command that the image starts.");
        }

        return template with { Problems = fields.Problems };
    }
}
