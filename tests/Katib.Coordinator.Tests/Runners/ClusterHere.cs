using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>The cluster that KUBECONFIG names, whose only node is this machine; looked at through its API.</summary>
internal static class ClusterHere
{
    public static void SkipUnlessThere() => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 }, "KUBECONFIG names no cluster.");

    public static ClusterApi Open() => new(new Progress<string>(), TimeProvider.System);

    /// <summary>Creates objects as kubectl would, each at its path.</summary>
    public static async Task CreateAsync(string path, string json)
    {
        using var api = Open();
        _ = await api.CreateAsync(path, Jobs.Parse(json), TestContext.Current.CancellationToken);
    }

    public static async Task<JsonObject[]> ListAsync(string path)
    {
        using var api = Open();
        return [.. (await api.GetAsync(path, TestContext.Current.CancellationToken))["items"]!.AsArray().OfType<JsonObject>()];
    }

    /// <summary>Deletes what is at a path, with what hangs on it.</summary>
    public static async Task DeleteAsync(string path)
    {
        using var api = Open();
        await api.DeleteAsync(path, new() { ["propagationPolicy"] = "Background" }, CancellationToken.None);
    }
}
