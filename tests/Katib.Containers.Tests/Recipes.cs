using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Katib.Containers.Tests;

/// <summary>The files that images and deployments are made by.</summary>
internal static partial class Recipes
{
    /// <summary>The version of all programs.</summary>
    public static string Version { get; } = VersionElement().Match(Read("Directory.Build.props")).Groups["version"].Value;

    public static string Read(string path) => File.ReadAllText(Path.Combine(Command.Repository, path));

    /// <summary>The documents of a YAML text; all scalars are texts.</summary>
    public static JsonNode[] Parse(string yaml)
    {
        var reader = new Parser(new StringReader(yaml));
        var read = new DeserializerBuilder().Build();
        var write = new SerializerBuilder().JsonCompatible().Build();
        var documents = new List<JsonNode>();
        _ = reader.Consume<StreamStart>();
        while (!reader.TryConsume<StreamEnd>(out _))
        {
            documents.Add(JsonNode.Parse(write.Serialize(read.Deserialize(reader)!))!);
        }

        return [.. documents];
    }

    [GeneratedRegex("<Version>(?<version>.*)</Version>")]
    private static partial Regex VersionElement();
}
