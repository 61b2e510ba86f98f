using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The algorithm: a name and settings that its own service understands.</summary>
internal static class AlgorithmReader
{
    public static (AlgorithmSpec Spec, JsonObject Json) Read(Field field)
    {
        if (!field.IsRequired("name the algorithm that proposes the points, for instance 'algorithmName: random'")
            || !field.IsMap("algorithmName", "algorithmSettings"))
        {
            return (new("", []), []);
        }

        var name = field["algorithmName"].RequiredText("name the algorithm that proposes the points, for instance random");
        var settings = ReadSettings(field["algorithmSettings"]);
        var json = new JsonObject { ["algorithmName"] = name };
        if (!settings.IsEmpty)
        {
            json["algorithmSettings"] = new JsonArray([.. settings.Select(static s =>
                new JsonObject { ["name"] = s.Key, ["value"] = s.Value })]);
        }

        return (new(name, settings), json);
    }

    private static ImmutableArray<KeyValuePair<string, string>> ReadSettings(Field field)
    {
        var settings = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in field.Items())
        {
            if (!item.IsRequired("write name and value after the '-', or remove it") || !item.IsMap("name", "value"))
            {
                continue;
            }

            var name = item["name"].RequiredText("name the setting");
            if (name.Length > 0 && !seen.Add(name))
            {
                item["name"].Wrong("stands twice; remove one of them");
            }

            _ = item["value"].IsRequired("give the setting a value, or remove it");
            settings.Add(KeyValuePair.Create(name, item["value"].Verbatim() ?? ""));
        }

        return settings.ToImmutable();
    }
}
