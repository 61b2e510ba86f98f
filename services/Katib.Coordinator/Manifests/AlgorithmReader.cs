using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The algorithm: a name and settings that its own service understands.</summary>
internal static class AlgorithmReader
{
    public static (AlgorithmSpec Spec, JsonObject Json) Read(Field field) =>
        field.IsRequired("name the algorithm that proposes the points, for instance 'algorithmName: random'")
            ? Read(field, "name the algorithm that proposes the points, for instance random")
            : (new("", []), []);

    /// <summary>The rule that ends trials early has the same shape; null where there is none.</summary>
    public static (AlgorithmSpec? Spec, JsonObject? Json) ReadEarlyStopping(Field field) =>
        field.IsSet ? Read(field, "name the rule that ends trials early, for instance medianstop") : (null, null);

    private static (AlgorithmSpec Spec, JsonObject Json) Read(Field field, string remedy)
    {
        if (!field.IsMap("algorithmName", "algorithmSettings"))
        {
            return (new("", []), []);
        }

        var name = field["algorithmName"].RequiredText(remedy);
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
