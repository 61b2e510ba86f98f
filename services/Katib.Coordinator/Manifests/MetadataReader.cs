using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>What is honoured of an Experiment's metadata, and the same as JSON.</summary>
internal sealed record Metadata(string Name, string Namespace, JsonObject Json, RunPolicy Policy);

/// <summary>The metadata: a name, perhaps a namespace, labels and annotations.</summary>
internal static partial class MetadataReader
{
    /// <summary>Katib's limit: the names of trials and deployments are made by adding to this one.</summary>
    private const int MaxNameLength = 40;
    private const int MaxNamespaceLength = 63;
    private const int MaxLabelLength = 63;

    private const string DefaultNamespace = "default";
    private const string OwnPrefix = "tuning.katib/";

    private static readonly string[] Known = ["name", "namespace", "labels", "annotations"];

    /// <summary>What a cluster adds, and <c>kubectl get -o yaml</c> prints.</summary>
    private static readonly string[] Dropped =
    [
        "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "finalizers", "ownerReferences", "selfLink",
        "deletionTimestamp", "deletionGracePeriodSeconds",
    ];

    private static readonly string[] OwnAnnotations =
    [
        InitialPointsReader.Name, PriorResultsReader.Name, PolicyReader.AtEnd, PolicyReader.Keep, PolicyReader.Retry,
        PolicyReader.TrialTimeout, PolicyReader.MaxDuration,
    ];

    public static Metadata Read(Field metadata)
    {
        if (!metadata.IsRequired("write 'metadata:' and below it 'name:'") || !metadata.IsMap([.. Known, .. Dropped, "generateName"]))
        {
            return new("", DefaultNamespace, [], RunPolicy.Default);
        }

        if (metadata["generateName"] is { IsSet: true } generate)
        {
            generate.Wrong("is not available: an experiment is found again by its name; give it a metadata.name");
        }

        foreach (var name in Dropped.Where(n => metadata[n].IsSet))
        {
            metadata[name].Doubt("is dropped: it belongs to the cluster that this file was exported from");
        }

        var own = ReadName(metadata["name"]);
        var space = ReadNamespace(metadata["namespace"]);
        var json = new JsonObject { ["name"] = own, ["namespace"] = space };
        if (ReadTexts(metadata["labels"], CheckLabel) is { Count: > 0 } labels)
        {
            json["labels"] = labels;
        }

        if (ReadTexts(metadata["annotations"], CheckAnnotation) is { Count: > 0 } annotations)
        {
            json["annotations"] = annotations;
        }

        return new(own, space, json, PolicyReader.Read(metadata["annotations"]));
    }

    /// <summary>A map from text to text.</summary>
    public static JsonObject ReadTexts(Field map, Action<string, Field> check)
    {
        var json = new JsonObject();
        if (map.IsAnyMap())
        {
            foreach (var name in map.Names)
            {
                check(name, map[name]);
                json[name] = map[name].Text() ?? "";
            }
        }

        return json;
    }

    /// <summary>A label as Kubernetes allows it.</summary>
    public static void CheckLabel(string name, Field label)
    {
        if (!LabelName.IsMatch(name))
        {
            label.Wrong("is no name of a label; use letters, digits, '-', '_' and '.', at most 63, after an optional domain and '/'");
        }

        if (label.Value.Length > 0 && (label.Value.Length > MaxLabelLength || !LabelValue.IsMatch(label.Value)))
        {
            label.Wrong($"must be at most {MaxLabelLength} letters, digits, '-', '_' and '.', beginning and ending with a letter or digit");
        }
    }

    private static void CheckAnnotation(string name, Field annotation)
    {
        if (name.StartsWith(OwnPrefix, StringComparison.Ordinal) && !OwnAnnotations.Contains(name))
        {
            var nearest = NearestName.Of(name, OwnAnnotations) is { } known ? $"did you mean '{known}'?" : "remove it";
            annotation.Wrong($"is no annotation of ours, whose names begin with {OwnPrefix}; {nearest}");
        }
    }

    private static string ReadName(Field field)
    {
        var name = field.RequiredText("give the experiment a name");
        if (name.Length is 0)
        {
            return "";
        }

        if (!ExperimentName.IsMatch(name))
        {
            var nearest = NoNameCharacter.Replace(name.ToLowerInvariant(), "-").Trim('-').TrimStart([.. "0123456789-"]);
            var remedy = nearest is { Length: > 0 and <= MaxNameLength } ? $"; for instance '{nearest}'" : "";
            field.Wrong($"must be lower-case letters, digits and '-', beginning with a letter and not ending with '-'{remedy}");
        }

        if (name.Length > MaxNameLength)
        {
            field.Wrong($"has {name.Length} characters; shorten it to {MaxNameLength}, for the names of trials are made from it");
        }

        return name;
    }

    private static string ReadNamespace(Field field)
    {
        var space = field.Text();
        if (space is { Length: > 0 } && (space.Length > MaxNamespaceLength || !NamespaceName.IsMatch(space)))
        {
            field.Wrong(
                $"must be at most {MaxNamespaceLength} lower-case letters, digits and '-', beginning and ending with a letter or digit");
        }

        return space is { Length: > 0 } ? space : DefaultNamespace;
    }

    [GeneratedRegex(@"\A[a-z]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex ExperimentName { get; }

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex NamespaceName { get; }

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex NoNameCharacter { get; }

    [GeneratedRegex(@"\A([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?\z")]
    private static partial Regex LabelName { get; }

    [GeneratedRegex(@"\A[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?\z")]
    private static partial Regex LabelValue { get; }
}
