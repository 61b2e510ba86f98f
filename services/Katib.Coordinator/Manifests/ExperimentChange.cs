using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Manifests;

/// <summary>How a manifest differs from the one that an experiment was begun with.</summary>
/// <remarks>
/// Only <c>spec</c> counts, as in Katib: labels and annotations may change. Defaults are filled in on both sides, so
/// that writing a default out is no change.
/// </remarks>
public abstract record ExperimentChange
{
    private static readonly string[] BudgetPaths =
        ["spec.parallelTrialCount", "spec.maxTrialCount", "spec.maxFailedTrialCount"];

    private ExperimentChange()
    {
    }

    /// <summary>Nothing differs.</summary>
    public sealed record None : ExperimentChange;

    /// <summary>Only parallelTrialCount, maxTrialCount or maxFailedTrialCount differ, which may change while it runs.</summary>
    public sealed record Budgets(ImmutableArray<FieldChange> Changes) : ExperimentChange;

    /// <summary>Something else differs: this would be another experiment. The changes are all, or the first of them.</summary>
    public sealed record Other(ImmutableArray<FieldChange> Changes, int ChangesLeftOut) : ExperimentChange;

    /// <summary>The most changes that <see cref="Other"/> lists.</summary>
    public const int MaxListed = 20;

    /// <summary>Compares two manifests as <see cref="Experiments.ExperimentSpec.Manifest"/> holds them.</summary>
    public static ExperimentChange Between(JsonObject stored, JsonObject given)
    {
        var changes = Differences("spec", stored["spec"], given["spec"]).ToImmutableArray();
        if (changes.IsEmpty)
        {
            return new None();
        }

        return changes.All(static c => BudgetPaths.Contains(c.Path))
            ? new Budgets(changes)
            : new Other([.. changes.Take(MaxListed)], Math.Max(0, changes.Length - MaxListed));
    }

    private static IEnumerable<FieldChange> Differences(string path, JsonNode? old, JsonNode? given) => (old, given) switch
    {
        _ when JsonNode.DeepEquals(old, given) => [],
        (JsonObject a, JsonObject b) =>
            from name in a.Select(static p => p.Key).Union(b.Select(static p => p.Key))
            from change in Differences(ManifestPath.Of(path, name), a[name], b[name])
            select change,
        (JsonArray a, JsonArray b) =>
            from i in Enumerable.Range(0, Math.Max(a.Count, b.Count))
            from change in Differences(ManifestPath.Of(path, i), a.ElementAtOrDefault(i), b.ElementAtOrDefault(i))
            select change,
        _ => [new(path, TextOf(old), TextOf(given))],
    };

    private static string? TextOf(JsonNode? node) => node is null ? null : Findings.Shorten(node.ToJsonString(ManifestJson.Readable));
}

/// <summary>One place at which two manifests differ; null where one of them has nothing.</summary>
public sealed record FieldChange(string Path, string? Old, string? New)
{
    /// <summary>As a user reads it: <c>spec.maxTrialCount: 12 -> 20</c>.</summary>
    public override string ToString() => $"{Path}: {Old ?? "(nothing)"} -> {New ?? "(nothing)"}";
}
