using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Coordinator.Manifests;

/// <summary>A place in a manifest that may hold something: what the rules read from and complain about.</summary>
/// <param name="Findings">Where complaints go.</param>
/// <param name="Path">The place.</param>
/// <param name="Line">The line of what stands there; of what should hold it when nothing does.</param>
/// <param name="Node">What stands there; null when nothing does.</param>
internal readonly record struct Field(Findings Findings, string Path, int Line, ManifestNode? Node)
{
    /// <summary>Whether something stands here; null is nothing, as in Kubernetes.</summary>
    public bool IsSet => Node is not (null or ManifestScalar { Kind: ScalarKind.Null });

    /// <summary>What is printed as the value.</summary>
    public string Value => Node is ManifestScalar scalar ? scalar.Text : "";

    /// <summary>The names of what stands here.</summary>
    public IEnumerable<string> Names => Node is ManifestMap map ? map.Entries.Keys : [];

    /// <summary>The place under a name.</summary>
    public Field this[string name] =>
        Node is ManifestMap map && map.Entries.TryGetValue(name, out var entry)
            ? new(Findings, ManifestPath.Of(Path, name), entry.Value.Line, entry.Value)
            : new(Findings, ManifestPath.Of(Path, name), Line, null);

    /// <summary>The place of an item.</summary>
    private Field this[int index] =>
        Node is ManifestList list && index < list.Items.Length
            ? new(Findings, ManifestPath.Of(Path, index), list.Items[index].Line, list.Items[index])
            : new(Findings, ManifestPath.Of(Path, index), Line, null);

    /// <summary>The place at a path below this one, as the rest of the product writes paths: keys may contain dots.</summary>
    public Field At(string path)
    {
        var field = this;
        var rest = path.AsSpan();
        while (rest.Length > 0)
        {
            var length = 1;
            if (rest[0] is '[' && rest.IndexOf(']') is > 1 and var close && int.TryParse(rest[1..close], out var index))
            {
                field = field[index];
                length = close + 1;
            }
            else if (rest[0] is not '.')
            {
                var name = field.LongestNameIn(rest);
                field = field[name];
                length = name.Length;
            }

            rest = rest[length..];
        }

        return field;
    }

    public void Wrong(string message) => Findings.Wrong(Line, Path, Value, message);

    /// <summary>Complains about a value below this place, unless there is a complaint about the same place already.</summary>
    public void WrongUnlessSaid(string value, string message)
    {
        if (!Findings.Concern(Path))
        {
            Findings.Wrong(Line, Path, value, message);
        }
    }

    public void Doubt(string message) => Findings.Doubt(Line, Path, Value, message);

    /// <summary>Whether a map stands here; complains about anything else but nothing, and about names that are not known.</summary>
    public bool IsMap(params ReadOnlySpan<string> known)
    {
        if (!IsAnyMap())
        {
            return false;
        }

        string[]? names = null;
        foreach (var (name, entry) in ((ManifestMap)Node!).Entries)
        {
            if (!known.Contains(name))
            {
                var nearest = Findings.HasRoom ? NearestName.Of(name, names ??= known.ToArray()) : null;
                var remedy = nearest is null ? "remove it" : $"did you mean '{nearest}'?";
                new Field(Findings, ManifestPath.Of(Path, name), entry.KeyLine, entry.Value).Wrong($"is no field of an Experiment; {remedy}");
            }
        }

        return true;
    }

    /// <summary>Whether a map stands here, with whatever names; complains about anything else but nothing.</summary>
    public bool IsAnyMap()
    {
        if (IsSet && Node is not ManifestMap)
        {
            Wrong($"must be a map, not {KindInWords()}");
        }

        return Node is ManifestMap;
    }

    /// <summary>The items of a list; complains about anything else but nothing, and about a list beyond all reason.</summary>
    public ImmutableArray<Field> Items(int max = int.MaxValue)
    {
        if (Node is ManifestList list)
        {
            if (list.Items.Length > max)
            {
                Wrong($"has {list.Items.Length} items, and at most {max} are read; shorten it");
                return [];
            }

            var (findings, path) = (Findings, Path);
            return [.. list.Items.Select((item, i) => new Field(findings, ManifestPath.Of(path, i), item.Line, item))];
        }

        if (IsSet)
        {
            Wrong($"must be a list, not {KindInWords()}; begin every item with '- '");
        }

        return [];
    }

    /// <summary>Complains when nothing stands here.</summary>
    public bool IsRequired(string remedy)
    {
        if (!IsSet)
        {
            Wrong($"is missing; {remedy}");
        }

        return IsSet;
    }

    /// <summary>A text; null when nothing stands here, or anything else, which is complained about.</summary>
    public string? Text()
    {
        switch (Node)
        {
            case ManifestScalar { Kind: ScalarKind.Text } scalar:
                return scalar.Text;
            case ManifestScalar { Kind: not ScalarKind.Null } scalar:
                Wrong($"must be a text, not {KindInWords()}; write \"{Findings.Shorten(scalar.Text)}\"");
                return null;
            case ManifestList or ManifestMap:
                Wrong($"must be a text, not {KindInWords()}");
                return null;
            default:
                return null;
        }
    }

    /// <summary>A text that must be there; empty when it is not, which is complained about.</summary>
    public string RequiredText(string remedy)
    {
        if (!IsSet || Value.Length is 0 && Node is ManifestScalar)
        {
            Wrong($"is missing; {remedy}");
            return "";
        }

        return Text() ?? "";
    }

    /// <summary>
    /// The text of a single value of any kind, exactly as it is written; null when nothing stands here, or more than
    /// one value, which is complained about.
    /// </summary>
    public string? Verbatim()
    {
        if (Node is ManifestList or ManifestMap)
        {
            Wrong($"must be a single value, not {KindInWords()}");
        }

        return IsSet && Node is ManifestScalar scalar ? scalar.Text : null;
    }

    /// <summary>A whole number of 32 bits; null when nothing stands here, or anything else, which is complained about.</summary>
    public int? WholeNumber(int min)
    {
        if (!IsSet)
        {
            return null;
        }

        if (Node is ManifestScalar { Kind: ScalarKind.Integer } scalar
            && int.TryParse(CoreSchema.ToJsonNumber(scalar.Text), CultureInfo.InvariantCulture, out var number)
            && number >= min)
        {
            return number;
        }

        Wrong($"must be a whole number of at least {min}{InsteadOfText()}");
        return null;
    }

    /// <summary>A finite number; null when nothing stands here, or anything else, which is complained about.</summary>
    public double? Number()
    {
        if (Node is ManifestScalar { Kind: ScalarKind.Integer or ScalarKind.Float } scalar
            && Numbers.TryParse(CoreSchema.ToJsonNumber(scalar.Text), out var number))
        {
            return number;
        }

        if (IsSet)
        {
            Wrong($"must be a finite number{InsteadOfText()}");
        }

        return null;
    }

    /// <summary>Yes or no; no when nothing stands here.</summary>
    public bool Flag()
    {
        if (Node is ManifestScalar { Kind: ScalarKind.Boolean } scalar)
        {
            return CoreSchema.IsTrue(scalar.Text);
        }

        if (IsSet)
        {
            Wrong("must be true or false, without quotes");
        }

        return false;
    }

    /// <summary>Complains that the value is none of those allowed, with the nearest one.</summary>
    public void MustBeOneOf(params ReadOnlySpan<string> allowed)
    {
        var nearest = NearestName.Of(Value, allowed.ToArray()) is { } name ? $"; did you mean '{name}'?" : "";
        Wrong($"must be {string.Join(", ", allowed[..^1]!)} or {allowed[^1]}{nearest}");
    }

    /// <summary>The longest name of what stands here that the path begins with; else its first step.</summary>
    private string LongestNameIn(ReadOnlySpan<char> path)
    {
        var longest = "";
        foreach (var name in Names)
        {
            if (name.Length > longest.Length
                && path.StartsWith(name, StringComparison.Ordinal)
                && (path.Length == name.Length || path[name.Length] is '.' or '['))
            {
                longest = name;
            }
        }

        var end = path[1..].IndexOfAny('.', '[') + 1;
        return longest.Length > 0 ? longest : path[..(end > 0 ? end : path.Length)].ToString();
    }

    /// <summary>A number in quotes is the commonest of wrong types.</summary>
    private string InsteadOfText() =>
        Node is ManifestScalar { Kind: ScalarKind.Text } text && Numbers.TryParse(text.Text, out _) ? "; remove the quotes" : "";

    private string KindInWords() => Node switch
    {
        ManifestMap => "a map",
        ManifestList => "a list",
        ManifestScalar { Kind: ScalarKind.Boolean } => "a boolean",
        ManifestScalar { Kind: ScalarKind.Integer or ScalarKind.Float } => "a number",
        _ => "a text",
    };
}
