using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Runners.Local;

/// <summary>The primary container of a run object, as it is written there.</summary>
internal sealed record LocalJobTemplate(
    ImmutableArray<string> CommandLine,
    ImmutableArray<KeyValuePair<string, string>> Environment,
    string? WorkingDirectory,
    string WorkingDirectoryField,
    string CommandField,
    TimeSpan? Deadline,
    ImmutableArray<Problem> Problems,
    ImmutableArray<string> Ignored);

/// <summary>Reads a run object; every field is honoured, ignored with a note, or refused.</summary>
internal sealed class LocalJobReader
{
    private const string RootField = "trialTemplate.trialSpec";
    private const string NeedsKubernetes = "this needs the Kubernetes runner, which is not in this release.";

    private readonly ImmutableArray<Problem>.Builder _problems = ImmutableArray.CreateBuilder<Problem>();
    private readonly List<string> _ignored = [];
    private long? _deadline;

    private LocalJobReader() { }

    public static LocalJobTemplate Read(JsonObject runObject, string primaryContainerName) =>
        new LocalJobReader().ReadRoot(runObject, primaryContainerName);

    private LocalJobTemplate ReadRoot(JsonObject runObject, string primaryContainerName)
    {
        var pods = Pods(runObject);
        var containers = pods.Select(pod => PrimaryContainer(pod, primaryContainerName)).ToList();
        var (container, field) = containers is [{ Node: { } node, Field: var path }] ? (node, path) : ([], "");
        Walk(container, field, FieldRules.Container);
        var command = Texts(container, "command", field);
        var arguments = Texts(container, "args", field);
        if (field.Length > 0 && command is [] or [""])
        {
            Refuse($"{field}.command", null, "The trial needs a command: the one of the image is not known on this "
                + "machine; write the command that the image starts.");
        }

        return new(
            [.. command, .. arguments],
            Variables(container, field),
            Text(container, "workingDir", field) is { Length: > 0 } directory ? directory : null,
            $"{field}.workingDir",
            $"{field}.command",
            _deadline is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue)) : null,
            _problems.ToImmutable(),
            [.. _ignored]);
    }

    /// <summary>The pod template of a kind that can be one process; of another, none and a problem.</summary>
    private List<(JsonObject Node, string Field)> Pods(JsonObject runObject)
    {
        Walk(runObject, RootField, FieldRules.Root);
        Walk(Child(runObject, "metadata", RootField), $"{RootField}.metadata", FieldRules.Metadata);
        var spec = Child(runObject, "spec", RootField);
        var field = $"{RootField}.spec";
        switch (Text(runObject, "apiVersion", RootField), Text(runObject, "kind", RootField))
        {
            case ("batch/v1", "Job"):
                Walk(spec, field, FieldRules.Job);
                Deadline(spec, field);
                AtMostOne(spec, "parallelism", field);
                AtMostOne(spec, "completions", field);
                return [(Child(spec, "template", field), $"{field}.template")];

            case ("kubeflow.org/v1", "TFJob"):
                return TrainingPods(spec, field, "tfReplicaSpecs");

            case ("kubeflow.org/v1", "PyTorchJob"):
                return TrainingPods(spec, field, "pytorchReplicaSpecs");

            case var (version, kind):
                Refuse($"{RootField}.kind", runObject["kind"],
                    $"A run object of apiVersion '{version}' and kind '{kind}' cannot be run as a process of this "
                    + "machine; use a batch/v1 Job (or a kubeflow.org/v1 TFJob or PyTorchJob with one replica), "
                    + "or run it on a cluster: " + NeedsKubernetes);
                return [];
        }
    }

    private List<(JsonObject Node, string Field)> TrainingPods(JsonObject spec, string field, string replicas)
    {
        Walk(spec, field, FieldRules.TrainingJob);
        var policy = Child(spec, "runPolicy", field);
        Walk(policy, $"{field}.runPolicy", FieldRules.RunPolicy);
        Deadline(policy, $"{field}.runPolicy");

        var types = Child(spec, replicas, field);
        var pods = new List<(JsonObject Node, string Field)>();
        var count = 0L;
        foreach (var type in types.Select(static type => type.Key).ToArray())
        {
            var replica = Child(types, type, $"{field}.{replicas}");
            var path = $"{field}.{replicas}.{type}";
            Walk(replica, path, FieldRules.Replica);
            var number = Number(replica, "replicas", path) ?? 1;
            count += number;
            if (number > 0)
            {
                pods.Add((Child(replica, "template", path), $"{path}.template"));
            }
        }

        if (count is 1)
        {
            return pods;
        }

        Refuse($"{field}.{replicas}", null, $"A job of {count} replicas cannot be run as one process of this machine: "
            + "use exactly one replica, or run it on a cluster: " + NeedsKubernetes);
        return [];
    }

    private (JsonObject Node, string Field)? PrimaryContainer((JsonObject Node, string Field) template, string name)
    {
        Walk(template.Node, template.Field, FieldRules.PodTemplate);
        Walk(Child(template.Node, "metadata", template.Field), $"{template.Field}.metadata", FieldRules.Metadata);
        var pod = Child(template.Node, "spec", template.Field);
        var field = $"{template.Field}.spec";
        Walk(pod, field, FieldRules.Pod);
        Deadline(pod, field);

        var containers = Items(pod, "containers", field)
            .Select((node, i) => (Node: AsObject(node, $"{field}.containers[{i}]"), Field: $"{field}.containers[{i}]"))
            .Select(container => (container.Node, container.Field, Name: Text(container.Node, "name", container.Field)))
            .ToArray();
        foreach (var other in containers.Where(container => container.Name != name))
        {
            // A template without its primary container has one problem, not one for every other container as well.
            if (containers.Any(container => container.Name == name))
            {
                Refuse($"{other.Field}.name", other.Node["name"],
                    "Only the primary container is run here, and this one would be missing; remove it, or "
                    + NeedsKubernetes);
            }
        }

        if (containers.FirstOrDefault(container => container.Name == name) is { Node: { } primary, Field: var path })
        {
            return (primary, path);
        }

        var names = string.Join(", ", containers.Select(static container => $"'{container.Name}'"));
        Refuse($"{field}.containers", null, $"No container is named '{name}', which primaryContainerName asks for; "
            + (names.Length is 0 ? "there is no container at all." : $"the template has {names}."));
        return null;
    }

    private ImmutableArray<KeyValuePair<string, string>> Variables(JsonObject container, string field)
    {
        var variables = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        var i = 0;
        foreach (var item in Items(container, "env", field))
        {
            var path = $"{field}.env[{i++}]";
            var variable = AsObject(item, path);
            Walk(variable, path, FieldRules.Variable);
            var name = Text(variable, "name", path) ?? "";
            if (name.Length is 0 || name.Contains('=', StringComparison.Ordinal))
            {
                Refuse($"{path}.name", variable["name"], "A variable needs a name without '='.");
            }

            variables.Add(new(name, Text(variable, "value", path) ?? ""));
        }

        return variables.DrainToImmutable();
    }

    private void Walk(JsonObject node, string field, FieldRules rules)
    {
        foreach (var (name, value) in node)
        {
            if (rules.Read.Contains(name))
            {
                continue;
            }

            if (rules.Ignored.Contains(name))
            {
                if (!_ignored.Contains(name))
                {
                    _ignored.Add(name);
                }
            }
            else if (!rules.Refused.TryGetValue(name, out var why))
            {
                Refuse($"{field}.{name}", value, "The local runner does not know this field; check its spelling, or "
                    + "remove it: what it means for a process of this machine is not defined.");
            }
            else if (!IsUnset(value))
            {
                Refuse($"{field}.{name}", value, $"{why}; {NeedsKubernetes}");
            }
        }
    }

    private void Deadline(JsonObject node, string field)
    {
        if (Number(node, "activeDeadlineSeconds", field) is { } seconds)
        {
            _deadline = Math.Min(seconds, _deadline ?? seconds);
        }
    }

    private void AtMostOne(JsonObject node, string name, string field)
    {
        if (Number(node, name, field) is > 1)
        {
            Refuse($"{field}.{name}", node[name],
                $"A trial is one process on this machine; use 1, or {NeedsKubernetes}");
        }
    }

    private long? Number(JsonObject node, string name, string field)
    {
        if (node[name] is not { } value)
        {
            return null;
        }

        if (value.GetValueKind() is JsonValueKind.Number
            && long.TryParse(value.ToJsonString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        Refuse($"{field}.{name}", value, "This must be a whole number of at least 0, without quotes.");
        return null;
    }

    private string? Text(JsonObject node, string name, string field) =>
        node[name] is { } value ? AsText(value, $"{field}.{name}") : null;

    private ImmutableArray<string> Texts(JsonObject node, string name, string field) =>
        [.. Items(node, name, field).Select((item, i) => AsText(item, $"{field}.{name}[{i}]"))];

    private string AsText(JsonNode? node, string field)
    {
        if (node?.GetValueKind() is JsonValueKind.String)
        {
            return node.GetValue<string>();
        }

        Refuse(field, node, "This must be text; put it in quotes.");
        return "";
    }

    private JsonArray Items(JsonObject node, string name, string field)
    {
        if (node[name] is null or JsonArray)
        {
            return node[name] as JsonArray ?? [];
        }

        Refuse($"{field}.{name}", node[name], "This must be a list.");
        return [];
    }

    private JsonObject Child(JsonObject node, string name, string field) =>
        node[name] is { } child ? AsObject(child, $"{field}.{name}") : [];

    private JsonObject AsObject(JsonNode? node, string field)
    {
        if (node is JsonObject found)
        {
            return found;
        }

        Refuse(field, node, "This must be an object with fields.");
        return [];
    }

    private static bool IsUnset(JsonNode? value) => value switch
    {
        null => true,
        JsonObject fields => fields.Count is 0,
        JsonArray items => items.Count is 0,
        _ => value.GetValueKind() is JsonValueKind.False,
    };

    private void Refuse(string field, JsonNode? value, string message) =>
        _problems.Add(new(field, value is JsonValue ? value.ToString() : "", message));
}
