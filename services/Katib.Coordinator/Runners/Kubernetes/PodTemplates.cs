using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>The pod templates that a run object holds, wherever its kind has them: a Job one, a PyTorchJob one per role.</summary>
internal static class PodTemplates
{
    /// <summary>Every one of them; none where the kind describes its pods in words of its own.</summary>
    public static IEnumerable<JsonObject> In(JsonNode? node) => node switch
    {
        JsonObject { } parts when (parts["spec"] as JsonObject)?["containers"] is JsonArray => [parts],
        JsonObject parts => parts.SelectMany(static part => In(part.Value)),
        JsonArray items => items.SelectMany(In),
        _ => [],
    };

    /// <summary>Whether one of them has a container of that name.</summary>
    public static bool Have(JsonObject runObject, string container) =>
        In(runObject).Any(template => PrimaryOf(template, container) is not null);

    /// <summary>The primary container of a pod template; null when it has none.</summary>
    private static JsonObject? PrimaryOf(JsonObject template, string name) =>
        template["spec"]?["containers"].With("name", name);

    /// <summary>A trial's run object as it is handed to the cluster: labelled, and its primary containers told the trial's name.</summary>
    /// <remarks>What the user has written stays as it is: command, arguments, and every field that we do not know.</remarks>
    public static JsonObject Prepare(TrialJob job, IReadOnlyDictionary<string, string> labels, string mirrorImage, bool hasSidecars)
    {
        var made = (JsonObject)job.RunObject.DeepClone();
        Label(made, labels);
        foreach (var template in In(made).ToArray())
        {
            Label(template, labels);
            if (PrimaryOf(template, job.PrimaryContainerName) is { } primary)
            {
                Tell(primary, job);
                if (job.Collector.HasFiles)
                {
                    MetricsMirror.Add(template, primary, job.Collector, mirrorImage, hasSidecars);
                }
            }
        }

        return made;
    }

    private static void Tell(JsonObject container, TrialJob job)
    {
        KeyValuePair<string, string>[] variables =
        [
            new(TemplateProgram.TrialNameVariable, job.Trial),
            .. job.Collector.Page is { Port: var port }
                ? [new(TemplateProgram.MetricsPortVariable, port.ToString(CultureInfo.InvariantCulture))]
                : Array.Empty<KeyValuePair<string, string>>(),
            .. job.Environment,
        ];
        var environment = (container["env"] as JsonArray)?.OfType<JsonObject>()
            .Where(known => !variables.Any(own => own.Key == (string?)known["name"]))
            .Select(static known => known.DeepClone()) ?? [];

        // First: the user's own may refer to them.
        container["env"] = new JsonArray(
            [.. variables.Select(static own => new JsonObject { ["name"] = own.Key, ["value"] = own.Value }), .. environment]);
    }

    private static void Label(JsonObject subject, IReadOnlyDictionary<string, string> labels)
    {
        if (subject["metadata"] is not JsonObject metadata)
        {
            subject["metadata"] = metadata = [];
        }

        if (metadata["labels"] is not JsonObject known)
        {
            metadata["labels"] = known = [];
        }

        foreach (var (key, value) in labels)
        {
            known[key] = value;
        }
    }
}
