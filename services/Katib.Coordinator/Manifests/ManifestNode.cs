using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Manifests;

/// <summary>A part of a manifest with the line that it stands on.</summary>
/// <remarks>Immutable, so that what an anchor names can be shared by all its aliases.</remarks>
/// <param name="Line">The line, from 1.</param>
/// <param name="Height">How many levels it has, itself included.</param>
/// <param name="Size">How many characters it takes once every alias is written out, roughly.</param>
internal abstract record ManifestNode(int Line, int Height, long Size)
{
    /// <summary>The same as JSON; a copy that the caller may change.</summary>
    public abstract JsonNode? ToJson();
}

/// <summary>A single value, with the text that the user wrote.</summary>
internal sealed record ManifestScalar(int Line, string Text, ScalarKind Kind)
    : ManifestNode(Line, Height: 1, Size: 1 + Text.Length)
{
    public override JsonNode? ToJson() => Kind switch
    {
        ScalarKind.Null => null,
        ScalarKind.Boolean => JsonValue.Create(CoreSchema.IsTrue(Text)),
        ScalarKind.Integer or ScalarKind.Float => JsonNode.Parse(CoreSchema.ToJsonNumber(Text)),
        _ => JsonValue.Create(Text),
    };
}

/// <summary>A list.</summary>
internal sealed record ManifestList(int Line, ImmutableArray<ManifestNode> Items)
    : ManifestNode(Line, 1 + Items.Select(static i => i.Height).DefaultIfEmpty().Max(), 1 + Items.Sum(static i => i.Size))
{
    public override JsonNode ToJson() => new JsonArray([.. Items.Select(static i => i.ToJson())]);
}

/// <summary>A map, in the user's order.</summary>
internal sealed record ManifestMap(int Line, OrderedDictionary<string, ManifestEntry> Entries)
    : ManifestNode(
        Line,
        1 + Entries.Values.Select(static e => e.Value.Height).DefaultIfEmpty().Max(),
        1 + Entries.Sum(static e => 1 + e.Key.Length + e.Value.Value.Size))
{
    public override JsonNode ToJson() =>
        new JsonObject(Entries.Select(static e => KeyValuePair.Create(e.Key, e.Value.Value.ToJson())));
}

/// <summary>What stands under a key, and the key's line.</summary>
internal readonly record struct ManifestEntry(int KeyLine, ManifestNode Value);
