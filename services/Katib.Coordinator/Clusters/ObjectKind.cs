using System.Text.Json.Nodes;

namespace Katib.Coordinator.Clusters;

/// <summary>A kind of objects, as a cluster serves it.</summary>
/// <param name="ApiVersion">For instance <c>batch/v1</c>.</param>
/// <param name="Kind">For instance <c>Job</c>.</param>
/// <param name="Plural">Its name in paths.</param>
internal sealed record ObjectKind(string ApiVersion, string Kind, string Plural)
{
    /// <summary>Pods.</summary>
    public static ObjectKind Pod { get; } = new("v1", "Pod", "pods");

    /// <summary>What has happened to other objects.</summary>
    public static ObjectKind Event { get; } = new("v1", "Event", "events");

    /// <summary>Looks up a kind; null when the cluster does not serve it, in a namespace.</summary>
    public static async Task<ObjectKind?> FindAsync(
        ClusterApi api, string apiVersion, string kind, CancellationToken cancellationToken)
    {
        var served = await api.FindAsync(RootOf(apiVersion), cancellationToken);
        var plural = (served?["resources"] as JsonArray)?.OfType<JsonObject>()
            .Where(r => (string?)r["kind"] == kind && (bool?)r["namespaced"] is true)
            .Select(static r => (string?)r["name"] ?? "")
            .FirstOrDefault(static name => !name.Contains('/', StringComparison.Ordinal));
        return plural is null ? null : new(apiVersion, kind, plural);
    }

    /// <summary>The path of all of them in a namespace.</summary>
    public string PathIn(string @namespace) => $"{RootOf(ApiVersion)}/namespaces/{Uri.EscapeDataString(@namespace)}/{Plural}";

    /// <summary>The path of one of them.</summary>
    public string PathOf(string @namespace, string name) => $"{PathIn(@namespace)}/{Uri.EscapeDataString(name)}";

    /// <summary>The group that rights are given for; empty for the core.</summary>
    public string Group => ApiVersion.Contains('/', StringComparison.Ordinal) ? ApiVersion[..ApiVersion.IndexOf('/', StringComparison.Ordinal)] : "";

    private static string RootOf(string apiVersion) =>
        apiVersion.Contains('/', StringComparison.Ordinal) ? $"/apis/{apiVersion}" : $"/api/{apiVersion}";
}
