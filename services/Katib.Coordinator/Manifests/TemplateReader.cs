using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The trial template: what one trial runs, and how the search parameters reach it.</summary>
internal static class TemplateReader
{
    /// <summary>Far more than are shown, and few enough to look up.</summary>
    private const int MaxProblems = 1000;

    /// <param name="spec">The experiment's spec.</param>
    /// <param name="searchParameters">The names of the search parameters; empty when not all of them are known.</param>
    public static (TrialTemplate Template, JsonObject Json) Read(Field spec, ImmutableArray<string> searchParameters)
    {
        var field = spec["trialTemplate"];
        if (!field.IsRequired("say what one trial runs")
            || !field.IsMap(
                "retain", "trialSpec", "configMap", "trialParameters", "primaryPodLabels", "primaryContainerName",
                "successCondition", "failureCondition"))
        {
            return (new([], [], "", false), []);
        }

        var retain = field["retain"].Flag();
        var runObject = ReadRunObject(field);
        var (parameters, parametersJson) = ReadParameters(field["trialParameters"]);
        var container = field["primaryContainerName"].RequiredText("name the container whose command is the trial");
        CheckContainer(field, container);
        var defaults = TrialDefaults.Of(field["trialSpec"]["kind"].Value);
        var labels = MetadataReader.ReadTexts(field["primaryPodLabels"], MetadataReader.CheckLabel);
        var podLabels = (field["primaryPodLabels"].IsSet ? labels : defaults?.LabelsToJson()) ?? [];
        var template = new TrialTemplate(runObject ?? [], parameters ?? [], container, retain)
        {
            PrimaryPodLabels = [.. podLabels.Select(static label => KeyValuePair.Create(label.Key, (string?)label.Value ?? ""))],
            SuccessCondition = ReadCondition(field["successCondition"], defaults?.SuccessCondition, runObject),
            FailureCondition = ReadCondition(field["failureCondition"], defaults?.FailureCondition, runObject),
        };
        if (runObject is not null && parameters is not null)
        {
            foreach (var problem in TrialTemplateCheck.Check(template, searchParameters).Take(MaxProblems))
            {
                spec.At(problem.Field).WrongUnlessSaid(problem.Value, problem.Message);
            }
        }

        var json = new JsonObject();
        if (retain)
        {
            json["retain"] = true;
        }

        json["trialSpec"] = runObject?.DeepClone();
        json["trialParameters"] = parametersJson;
        if (podLabels.Count > 0)
        {
            json["primaryPodLabels"] = podLabels;
        }

        json["primaryContainerName"] = container;
        json["successCondition"] = template.SuccessCondition;
        json["failureCondition"] = template.FailureCondition;
        return (template, json);
    }

    private static JsonObject? ReadRunObject(Field template)
    {
        var configMap = template["configMap"];
        var runObject = template["trialSpec"];
        if (configMap.IsSet)
        {
            configMap.Wrong("is not available without a cluster; write the template itself under trialSpec");
            return null;
        }

        if (!runObject.IsRequired("write what one trial runs, for instance a batch/v1 Job") || !runObject.IsAnyMap())
        {
            return null;
        }

        _ = runObject["apiVersion"].RequiredText("for a Job write 'apiVersion: batch/v1'");
        _ = runObject["kind"].RequiredText("for instance 'kind: Job'");
        return (JsonObject)runObject.Node!.ToJson()!;
    }

    /// <summary>No parameters when the shape of one is so wrong that nothing can be said of the template.</summary>
    private static (ImmutableArray<TrialParameter>? Parameters, JsonArray Json) ReadParameters(Field field)
    {
        var parameters = ImmutableArray.CreateBuilder<TrialParameter>();
        var json = new JsonArray();
        var isWhole = field.Node is ManifestList { Items.Length: <= ParametersReader.MaxCount } || !field.IsSet;
        foreach (var item in field.Items(ParametersReader.MaxCount))
        {
            if (!item.IsRequired("write name and reference after the '-', or remove it")
                || !item.IsMap("name", "description", "reference"))
            {
                isWhole = false;
                continue;
            }

            var name = item["name"].Text() ?? item["name"].Value;
            var reference = item["reference"].Text() ?? item["reference"].Value;
            parameters.Add(new(name, reference));
            var entry = new JsonObject { ["name"] = name };
            if (item["description"].Text() is { Length: > 0 } description)
            {
                entry["description"] = description;
            }

            entry["reference"] = reference;
            json.Add(entry);
        }

        return (isWhole ? parameters.ToImmutable() : null, json);
    }

    /// <summary>In a Job the containers are known; Katib finds out when the pod is refused.</summary>
    private static void CheckContainer(Field template, string container)
    {
        var pod = template["trialSpec"];
        if (pod["kind"].Value is not "Job" || container.Length is 0)
        {
            return;
        }

        var containers = pod["spec"]["template"]["spec"]["containers"];
        if (containers.Node is not ManifestList list)
        {
            containers.Wrong($"must be a list with the container '{Findings.Shorten(container)}'");
            return;
        }

        var names = list.Items.OfType<ManifestMap>()
            .Select(static c => c.Entries.TryGetValue("name", out var name) ? (name.Value as ManifestScalar)?.Text : null)
            .OfType<string>()
            .ToArray();
        if (!names.Contains(container))
        {
            var nearest = NearestName.Of(container, names) is { } name ? $"; did you mean '{name}'?" : "; name one of its containers";
            template["primaryContainerName"].Wrong($"is no container of the template{nearest}");
        }
    }

    /// <summary>A condition, or the default of the kind.</summary>
    private static string ReadCondition(Field field, string? byDefault, JsonObject? runObject)
    {
        var condition = field.Text();
        if (condition is null or "" && byDefault is null && runObject is not null)
        {
            _ = field.RequiredText("Katib has a default only for Job, TFJob, PyTorchJob, XGBoostJob, MPIJob and TrainJob");
        }

        return condition is { Length: > 0 } ? condition : byDefault ?? "";
    }
}
