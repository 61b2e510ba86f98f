using System.Text.Json.Nodes;

namespace Katib.Containers.Tests;

/// <summary>Kubernetes' pod security profile <c>restricted</c>, which includes <c>baseline</c>, as rules over a pod's spec.</summary>
/// <remarks>After https://kubernetes.io/docs/concepts/security/pod-security-standards/, for Linux.</remarks>
internal static class PodSecurity
{
    private static readonly string[] VolumeTypes =
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

    private static readonly string[] Profiles = ["RuntimeDefault", "Localhost"];

    private static readonly (string Rule, Func<JsonNode, bool> Holds)[] OfPods =
    [
        ("no namespace of the host", static pod => new[] { "hostNetwork", "hostPID", "hostIPC" }.All(name => !IsTrue(pod[name]))),
        ("no volume of the host", static pod => Items(pod["volumes"]).All(static volume =>
            volume!.AsObject().All(static field => field.Key is "name" || VolumeTypes.Contains(field.Key)))),
        ("no sysctls", static pod => pod["securityContext"]?["sysctls"] is null),
        ("no user 0", static pod => (string?)pod["securityContext"]?["runAsUser"] is not "0"),
    ];

    private static readonly (string Rule, Func<JsonNode, JsonNode?, bool> Holds)[] OfContainers =
    [
        ("not privileged", static (container, _) => !IsTrue(container["securityContext"]?["privileged"])),
        ("no escalation", static (container, _) =>
            (string?)container["securityContext"]?["allowPrivilegeEscalation"] is "false"),
        ("not as root", static (container, pod) =>
            (string?)(container["securityContext"]?["runAsNonRoot"] ?? pod?["runAsNonRoot"]) is "true"),
        ("no user 0", static (container, _) => (string?)container["securityContext"]?["runAsUser"] is not "0"),
        ("a seccomp profile", static (container, pod) => Profiles.Contains(
            (string?)(container["securityContext"]?["seccompProfile"] ?? pod?["seccompProfile"])?["type"])),
        ("no capability kept", static (container, _) =>
            Items(container["securityContext"]?["capabilities"]?["drop"]).Any(static c => (string?)c is "ALL")),
        ("no capability added", static (container, _) =>
            Items(container["securityContext"]?["capabilities"]?["add"]).All(static c => (string?)c is "NET_BIND_SERVICE")),
        ("no port of the host", static (container, _) =>
            Items(container["ports"]).All(static port => port!["hostPort"] is null)),
        ("no other /proc", static (container, _) => container["securityContext"]?["procMount"] is null),
    ];

    /// <summary>The rules that a pod breaks.</summary>
    public static IEnumerable<string> Broken(JsonNode pod) =>
        OfPods.Where(rule => !rule.Holds(pod)).Select(static rule => rule.Rule).Concat(
            Items(pod["containers"]).Concat(Items(pod["initContainers"])).SelectMany(container => OfContainers
                .Where(rule => !rule.Holds(container!, pod["securityContext"]))
                .Select(rule => $"{container!["name"]}: {rule.Rule}")));

    private static bool IsTrue(JsonNode? value) => (string?)value is "true";

    private static JsonArray Items(JsonNode? list) => list?.AsArray() ?? [];
}
