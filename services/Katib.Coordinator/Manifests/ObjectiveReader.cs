using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The objective: which metric is to become small or large, and how each metric stands for a trial.</summary>
internal static class ObjectiveReader
{
    private const string Minimize = "minimize";
    private const string Maximize = "maximize";

    private static readonly string[] StrategyNames = ["min", "max", "latest"];

    public static (ObjectiveSpec Spec, JsonObject Json) Read(Field field)
    {
        var missing = new ObjectiveSpec(false, null, "", [], ImmutableDictionary.Create<string, MetricStrategy>());
        if (!field.IsRequired("name the metric and say whether to minimize or maximize it")
            || !field.IsMap("type", "goal", "objectiveMetricName", "additionalMetricNames", "metricStrategies"))
        {
            return (missing, []);
        }

        var type = field["type"].RequiredText($"write {Minimize} or {Maximize}");
        if (type is not ("" or Minimize or Maximize))
        {
            field["type"].MustBeOneOf(Minimize, Maximize);
        }

        var goal = field["goal"].Number();
        var metric = field["objectiveMetricName"].RequiredText("name the metric that the trials print");
        var additional = ReadAdditional(field["additionalMetricNames"], metric);
        var given = ReadStrategies(field["metricStrategies"], [metric, .. additional]);
        var byDefault = type is Maximize ? MetricStrategy.Max : MetricStrategy.Min;
        var named = given.Select(static s => s.Key).ToHashSet(StringComparer.Ordinal);
        var strategies = given.AddRange(
            new[] { metric }.Concat(additional)
                .Where(name => !named.Contains(name))
                .Select(name => KeyValuePair.Create(name, byDefault)));

        var json = new JsonObject { ["type"] = type };
        if (goal is not null)
        {
            json["goal"] = field["goal"].Node!.ToJson();
        }

        json["objectiveMetricName"] = metric;
        if (!additional.IsEmpty)
        {
            json["additionalMetricNames"] = new JsonArray([.. additional.Select(static n => JsonValue.Create(n))]);
        }

        json["metricStrategies"] = new JsonArray([.. strategies.Select(static s =>
            new JsonObject { ["name"] = s.Key, ["value"] = StrategyNames[(int)s.Value] })]);
        return (new(type is Maximize, goal, metric, additional, ImmutableDictionary.CreateRange(strategies)), json);
    }

    private static ImmutableArray<string> ReadAdditional(Field field, string metric)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in field.Items())
        {
            var name = item.RequiredText("name a metric, or remove the '-'");
            if (name.Length > 0 && name == metric)
            {
                item.Wrong("is the objective's own metric; remove it here");
            }
            else if (name.Length > 0 && !seen.Add(name))
            {
                item.Wrong("stands twice; remove one of them");
            }
            else if (name.Length > 0)
            {
                names.Add(name);
            }
        }

        return names.ToImmutable();
    }

    private static ImmutableArray<KeyValuePair<string, MetricStrategy>> ReadStrategies(Field field, ImmutableArray<string> metrics)
    {
        var strategies = ImmutableArray.CreateBuilder<KeyValuePair<string, MetricStrategy>>();
        var known = metrics.ToHashSet(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in field.Items())
        {
            if (!item.IsRequired("write name and value after the '-', or remove it") || !item.IsMap("name", "value"))
            {
                continue;
            }

            var name = item["name"].RequiredText("name one of the metrics");
            var value = item["value"].RequiredText("write min, max or latest");
            var index = Array.IndexOf(StrategyNames, value);
            if (name.Length > 0 && !known.Contains(name) && metrics[0].Length > 0)
            {
                var nearest = field.Findings.HasRoom && NearestName.Of(name, metrics) is { } meant
                    ? $"; did you mean '{meant}'?"
                    : ", and so has no effect; remove it";
                item["name"].Wrong($"is no metric of the objective{nearest}");
            }
            else if (name.Length > 0 && !seen.Add(name))
            {
                item["name"].Wrong("has a strategy already; remove one of them");
            }
            else if (index >= 0)
            {
                strategies.Add(KeyValuePair.Create(name, (MetricStrategy)index));
            }

            if (value.Length > 0 && index < 0)
            {
                item["value"].MustBeOneOf(StrategyNames);
            }
        }

        return strategies.ToImmutable();
    }
}
