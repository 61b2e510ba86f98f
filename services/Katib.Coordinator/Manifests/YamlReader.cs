using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Katib.Coordinator.Manifests;

/// <summary>Reads YAML, or JSON, which is YAML, into nodes that know their lines.</summary>
/// <remarks>
/// It reads events and not YamlDotNet's own tree, so that depth and aliases are bounded before anything is built, and
/// every key that stands twice is reported instead of the first one only.
/// </remarks>
internal sealed class YamlReader
{
    /// <summary>The longest text that is read, in characters: what Kubernetes takes as one object, more or less.</summary>
    public const int MaxLength = 1024 * 1024;

    /// <summary>The longest key, in characters; those of Kubernetes are shorter.</summary>
    public const int MaxKeyLength = 512;

    /// <summary>How deep lists and maps may nest: enough for every pod, and less than the 64 levels that JSON readers take.</summary>
    public const int MaxDepth = 50;

    /// <summary>How many characters all aliases together may stand for.</summary>
    public const int MaxAliased = 1024 * 1024;

    private const string MergeKey = "<<";
    private const string TagPrefix = "tag:yaml.org,2002:";

    private readonly Parser _parser;
    private readonly Findings _findings;
    private readonly Dictionary<AnchorName, ManifestNode?> _anchors = [];
    private readonly Stack<(string? Key, int Index)> _steps = new();
    private long _aliased;

    private YamlReader(string text, Findings findings)
    {
        _parser = new Parser(new StringReader(text));
        _findings = findings;
    }

    /// <summary>The one document of the text; null when it cannot be read, which the findings then say.</summary>
    public static ManifestNode? Read(string text, Findings findings)
    {
        text = text.TrimStart('\uFEFF');
        if (YamlErrors.Unreadable(text) is { } unreadable)
        {
            findings.Wrong(unreadable.Line, "", "", unreadable.Message);
            return null;
        }

        var reader = new YamlReader(text, findings);
        try
        {
            return reader.ReadDocument();
        }
        catch (YamlException error)
        {
            var (line, message) = YamlErrors.Explain(error, text);
            findings.Wrong(line, "", "", message);
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or InvalidOperationException)
        {
            // YamlDotNet stumbles over some broken texts: the escape "\UFFFFFFFF", a list in brackets that is never closed.
            var line = reader._parser.Current is { } last ? LineOf(last) : 1;
            findings.Wrong(line, "", "", "is not valid YAML: around here a bracket or a quote is missing, or an escape is wrong");
        }

        return null;
    }

    private ManifestNode? ReadDocument()
    {
        ManifestNode? document = null;
        _ = _parser.Consume<StreamStart>();
        while (_parser.TryConsume<DocumentStart>(out var start))
        {
            _anchors.Clear();
            var isEmpty = _parser.Accept<Scalar>(out var scalar) && scalar is { Value: "", IsPlainImplicit: true };
            if (document is not null && !isEmpty)
            {
                _findings.Wrong(
                    LineOf(start), "", "", "a second document begins here; put every Experiment into a file of its own");
                return document;
            }

            var node = ReadNode(depth: 1);
            document ??= node is ManifestScalar { Kind: ScalarKind.Null } ? null : node;
            _ = _parser.Consume<DocumentEnd>();
        }

        if (document is null)
        {
            _findings.Wrong(1, "", "", "the file is empty; it should hold an Experiment");
        }

        return document;
    }

    /// <param name="depth">The level of the node, from 1.</param>
    /// <param name="keyLine">The line of the key that it stands under, where a list or map is looked for.</param>
    private ManifestNode ReadNode(int depth, int? keyLine = null)
    {
        var next = _parser.Consume<ParsingEvent>();
        if (depth > MaxDepth)
        {
            throw At(next, $"lists and maps nest deeper than the {MaxDepth} levels that are read");
        }

        if (next is AnchorAlias alias)
        {
            return ReadAlias(alias, depth, keyLine);
        }

        var start = (NodeEvent)next;
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor] = null;
        }

        ManifestNode node = start switch
        {
            Scalar scalar => new ManifestScalar(LineOf(scalar), scalar.Value, KindOf(scalar)),
            SequenceStart => new ManifestList(keyLine ?? LineOf(start), ReadItems(start, depth)),
            _ => new ManifestMap(keyLine ?? LineOf(start), ReadEntries(start, depth)),
        };
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor] = node;
        }

        return node;
    }

    private ManifestNode ReadAlias(AnchorAlias alias, int depth, int? keyLine)
    {
        if (!_anchors.TryGetValue(alias.Value, out var node))
        {
            throw At(alias, $"the alias *{alias.Value} has no anchor &{alias.Value} before it");
        }

        if (node is null)
        {
            throw At(alias, $"the alias *{alias.Value} stands inside what it names");
        }

        _aliased += node.Size;
        if (_aliased > MaxAliased)
        {
            throw At(alias, $"the aliases up to here stand for more than the {MaxAliased} characters that are read");
        }

        if (depth + node.Height - 1 > MaxDepth)
        {
            throw At(alias, $"lists and maps nest deeper than the {MaxDepth} levels that are read");
        }

        return node with { Line = keyLine ?? LineOf(alias) };
    }

    private ImmutableArray<ManifestNode> ReadItems(NodeEvent start, int depth)
    {
        RefuseTag(start, "seq");
        var items = ImmutableArray.CreateBuilder<ManifestNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            _steps.Push((null, items.Count));
            items.Add(ReadNode(depth + 1));
            _ = _steps.Pop();
        }

        return items.ToImmutable();
    }

    private OrderedDictionary<string, ManifestEntry> ReadEntries(NodeEvent start, int depth)
    {
        RefuseTag(start, "map");
        var entries = new OrderedDictionary<string, ManifestEntry>(StringComparer.Ordinal);
        var merged = new List<ManifestMap>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var keyEvent = _parser.Accept<Scalar>(out var scalar) ? scalar : _parser.Current!;
            if (ReadNode(depth + 1) is not ManifestScalar key)
            {
                throw At(keyEvent, "a list or a map stands where a key is expected; keys are texts");
            }

            if (key.Text.Length > MaxKeyLength)
            {
                throw At(keyEvent, $"a key is longer than the {MaxKeyLength} characters that are read");
            }

            _steps.Push((key.Text, 0));
            var value = ReadNode(depth + 1, key.Line);
            if (key.Text is MergeKey && scalar is { Style: ScalarStyle.Plain })
            {
                merged.AddRange(Merged(value));
            }
            else if (!entries.TryAdd(key.Text, new(key.Line, value)))
            {
                _findings.Wrong(
                    key.Line, PathHere(), "", $"stands twice in one map, first on line {entries[key.Text].KeyLine}; remove one of them");
            }

            _ = _steps.Pop();
        }

        // A key of the map's own comes before a merged one, and an earlier merged map before a later one.
        foreach (var (key, entry) in merged.SelectMany(static m => m.Entries))
        {
            _ = entries.TryAdd(key, entry);
        }

        return entries;
    }

    private IEnumerable<ManifestMap> Merged(ManifestNode value)
    {
        var maps = value is ManifestList list ? list.Items : [value];
        if (!maps.All(static m => m is ManifestMap))
        {
            _findings.Wrong(value.Line, PathHere(), "", "merges what is no map; give it the alias of a map, or a list of those");
        }

        return maps.OfType<ManifestMap>();
    }

    private static ScalarKind KindOf(Scalar scalar)
    {
        if (scalar.Tag.IsEmpty || scalar.Tag.IsNonSpecific)
        {
            return scalar is { Style: ScalarStyle.Plain, Tag.IsEmpty: true } ? CoreSchema.Resolve(scalar.Value) : ScalarKind.Text;
        }

        RefuseTag(scalar, "str", "int", "float", "bool", "null");
        var kind = CoreSchema.Resolve(scalar.Value);
        return scalar.Tag.Value[TagPrefix.Length..] switch
        {
            "int" when kind is ScalarKind.Integer => kind,
            "float" when kind is ScalarKind.Integer or ScalarKind.Float => kind,
            "bool" when kind is ScalarKind.Boolean => kind,
            "null" when kind is ScalarKind.Null => kind,
            "str" => ScalarKind.Text,
            var tag => throw At(scalar, $"'{Findings.Shorten(scalar.Value)}' is no value of the tag !!{tag}"),
        };
    }

    private static void RefuseTag(NodeEvent node, params ReadOnlySpan<string> known)
    {
        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific)
        {
            return;
        }

        var tag = node.Tag.Value;
        if (!tag.StartsWith(TagPrefix, StringComparison.Ordinal) || !known.Contains(tag[TagPrefix.Length..]))
        {
            throw At(node, $"the tag {Findings.Shorten(tag)} means nothing here; remove it");
        }
    }

    private string PathHere() =>
        _steps.Reverse().Aggregate("", static (path, step) =>
            step.Key is { } key ? ManifestPath.Of(path, key) : ManifestPath.Of(path, step.Index));

    private static SemanticErrorException At(ParsingEvent start, string message) => new(start.Start, start.End, message);

    private static int LineOf(ParsingEvent start) => (int)start.Start.Line;
}
