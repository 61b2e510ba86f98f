using System.Text.Json;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Experiments;

/// <summary>A reference to the trial itself instead of a search parameter: <c>${trialSpec.Name}</c>.</summary>
/// <param name="Key">One of <see cref="Keys"/>, if the user has spelt it right.</param>
/// <param name="Index">What stands in brackets, for annotations and labels.</param>
internal sealed record MetaReference(string Key, string? Index)
{
    private const string Start = "${trialSpec.";

    /// <summary>Katib's keys, in the spelling that a user copies.</summary>
    public static readonly string[] Keys = ["Name", "Namespace", "Kind", "APIVersion", "Annotations", "Labels"];

    /// <summary>Reads a reference; null when it is a search parameter's name.</summary>
    public static MetaReference? From(string reference)
    {
        if (!reference.StartsWith(Start, StringComparison.Ordinal) || !reference.EndsWith('}'))
        {
            return null;
        }

        var inner = reference[Start.Length..^1];
        var bracket = inner.IndexOf('[', StringComparison.Ordinal);
        return bracket > 0 && inner.EndsWith(']')
            ? new(inner[..bracket], inner[(bracket + 1)..^1])
            : new(inner, null);
    }

    /// <summary>Whether Katib has such a key, with brackets where they belong.</summary>
    public bool IsKnown => Keys.Contains(Key) && (Key is "Annotations" or "Labels") == Index is { Length: > 0 };

    /// <summary>What it stands for in a template; null when the template does not say.</summary>
    public string? Resolve(JsonObject template, string trialName, string trialNamespace) => (Key, Index) switch
    {
        ("Name", null) => trialName,
        ("Namespace", null) => trialNamespace,
        ("Kind", null) => TextOf(template["kind"]),
        ("APIVersion", null) => TextOf(template["apiVersion"]),
        ("Annotations", { } key) => TextOf(Metadata(template, "annotations")?[key]),
        ("Labels", { } key) => TextOf(Metadata(template, "labels")?[key]),
        _ => null,
    };

    private static JsonObject? Metadata(JsonObject template, string part) =>
        (template["metadata"] as JsonObject)?[part] as JsonObject;

    private static string? TextOf(JsonNode? node) =>
        node?.GetValueKind() is JsonValueKind.String ? node.GetValue<string>() : node?.ToJsonString();
}
