using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Runners.Templates;

/// <summary>A part of a run object, with the name of the field that it is.</summary>
internal readonly record struct FieldNode(JsonObject Node, string Field);

/// <summary>Reads a run object's fields and collects what is wrong with them.</summary>
internal sealed class FieldReader(string runner)
{
    public const string NeedsKubernetes = "this needs the Kubernetes runner, which is not in this release.";

    private readonly ImmutableArray<Problem>.Builder _problems = ImmutableArray.CreateBuilder<Problem>();
    private readonly List<string> _ignored = [];

    public ImmutableArray<Problem> Problems => _problems.ToImmutable();

    /// <summary>The names of fields that the runner passes over.</summary>
    public ImmutableArray<string> Ignored => [.. _ignored];

    /// <summary>Every field is honoured, ignored with a note, or refused.</summary>
    public void Walk(FieldNode at, FieldRules rules)
    {
        foreach (var (name, value) in at.Node)
        {
            if (rules.Read.Contains(name))
            {
                continue;
            }

            if (rules.Ignored.Contains(name))
            {
                Ignore(name);
            }
            else if (!rules.Refused.TryGetValue(name, out var why))
            {
                Refuse($"{at.Field}.{name}", value, $"The {runner} does not know this field; check its spelling, or "
                    + "remove it: what it means here is not defined.");
            }
            else if (!IsUnset(value))
            {
                Refuse($"{at.Field}.{name}", value, $"{why}; {NeedsKubernetes}");
            }
        }
    }

    public void Ignore(string name)
    {
        if (!_ignored.Contains(name))
        {
            _ignored.Add(name);
        }
    }

    public long? Number(FieldNode at, string name) =>
        at.Node[name] is { } value ? AsNumber(value, $"{at.Field}.{name}") : null;

    public ImmutableArray<long> Numbers(FieldNode at, string name) =>
        [.. ItemsOf(at, name).Select((item, i) => AsNumber(item, $"{at.Field}.{name}[{i}]") ?? 0)];

    public bool? Truth(FieldNode at, string name)
    {
        switch (at.Node[name]?.GetValueKind())
        {
            case null:
                return null;
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            default:
                Refuse($"{at.Field}.{name}", at.Node[name], "This must be true or false, without quotes.");
                return null;
        }
    }

    public string? Text(FieldNode at, string name) =>
        at.Node[name] is { } value ? AsText(value, $"{at.Field}.{name}") : null;

    public ImmutableArray<string> Texts(FieldNode at, string name) =>
        [.. ItemsOf(at, name).Select((item, i) => AsText(item, $"{at.Field}.{name}[{i}]"))];

    /// <summary>The objects of a list.</summary>
    public ImmutableArray<FieldNode> Items(FieldNode at, string name) =>
        [.. ItemsOf(at, name).Select((item, i) => AsObject(item, $"{at.Field}.{name}[{i}]"))];

    /// <summary>An object; an empty one where there is none.</summary>
    public FieldNode Child(FieldNode at, string name) =>
        at.Node[name] is { } child ? AsObject(child, $"{at.Field}.{name}") : new([], $"{at.Field}.{name}");

    public void Refuse(string field, JsonNode? value, string message) =>
        _problems.Add(new(field, value is JsonValue ? value.ToString() : "", message));

    private JsonArray ItemsOf(FieldNode at, string name)
    {
        if (at.Node[name] is null or JsonArray)
        {
            return at.Node[name] as JsonArray ?? [];
        }

        Refuse($"{at.Field}.{name}", at.Node[name], "This must be a list.");
        return [];
    }

    private long? AsNumber(JsonNode? node, string field)
    {
        if (node?.GetValueKind() is JsonValueKind.Number
            && long.TryParse(node.ToJsonString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        Refuse(field, node, "This must be a whole number of at least 0, without quotes.");
        return null;
    }

    private string AsText(JsonNode? node, string field)
    {
        if (node?.GetValueKind() is JsonValueKind.String)
        {
            return node.GetValue<string>();
        }

        Refuse(field, node, "This must be text; put it in quotes.");
        return "";
    }

    private FieldNode AsObject(JsonNode? node, string field)
    {
        if (node is JsonObject found)
        {
            return new(found, field);
        }

        Refuse(field, node, "This must be an object with fields.");
        return new([], field);
    }

    private static bool IsUnset(JsonNode? value) => value switch
    {
        null => true,
        JsonObject fields => fields.Count is 0,
        JsonArray items => items.Count is 0,
        _ => value.GetValueKind() is JsonValueKind.False,
    };
}
