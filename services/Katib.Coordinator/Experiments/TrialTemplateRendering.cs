using System.Text.Json;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Experiments;

/// <summary>From a template to the object that one trial runs.</summary>
public static class TrialTemplateRendering
{
    /// <summary>A copy of the template's object with every placeholder filled in, named after the trial.</summary>
    /// <remarks>
    /// Placeholders are filled in the parsed object, in its text values: quotes, line breaks and other placeholders in
    /// an assignment stay what they are, where Katib's replacement in the serialised text breaks on them. A template
    /// that <see cref="TrialTemplateCheck"/> has passed and an assignment for each search parameter always render.
    /// </remarks>
    public static JsonObject Render(
        this TrialTemplate template,
        string trialName,
        string trialNamespace,
        IReadOnlyDictionary<string, string> assignments)
    {
        var values = template.Parameters.ToDictionary(
            static parameter => parameter.Name,
            parameter => ValueOf(parameter.Reference, template.RunObject, trialName, trialNamespace, assignments),
            StringComparer.Ordinal);
        var references = template.Parameters.Select(static parameter => parameter.Reference).ToHashSet();
        if (assignments.Keys.FirstOrDefault(name => !references.Contains(name)) is { } unused)
        {
            throw new ArgumentException(
                $"The trial '{trialName}' has a value for '{unused}', but no trialParameter refers to that.");
        }

        var filled = (JsonObject)Fill(template.RunObject, values)!;
        if (filled["metadata"] is not JsonObject metadata)
        {
            filled["metadata"] = metadata = [];
        }

        metadata["name"] = trialName;
        metadata["namespace"] = trialNamespace;
        return filled;
    }

    private static string ValueOf(
        string reference,
        JsonObject template,
        string trialName,
        string trialNamespace,
        IReadOnlyDictionary<string, string> assignments)
    {
        var value = MetaReference.From(reference) is { } meta
            ? meta.Resolve(template, trialName, trialNamespace)
            : assignments.GetValueOrDefault(reference);
        return value ?? throw new ArgumentException(
            $"The trial '{trialName}' has no value for '{reference}', which a trialParameter refers to.");
    }

    private static JsonNode? Fill(JsonNode? node, Dictionary<string, string> values) => node switch
    {
        null => null,
        JsonObject parts => new JsonObject(
            parts.Select(part => KeyValuePair.Create(part.Key, Fill(part.Value, values)))),
        JsonArray items => new JsonArray([.. items.Select(item => Fill(item, values))]),
        JsonValue text when text.GetValueKind() is JsonValueKind.String =>
            JsonValue.Create(Placeholders.Fill(text.GetValue<string>(), values)),
        _ => node.DeepClone(),
    };
}
