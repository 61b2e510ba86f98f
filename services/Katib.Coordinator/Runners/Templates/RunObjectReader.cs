using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Runners.Templates;

/// <summary>The primary container of a run object, as it is written there.</summary>
/// <param name="Pod">The pod that it is in.</param>
/// <param name="Container">The container itself.</param>
/// <param name="Command">Its command; empty when it leaves that to the image.</param>
/// <param name="Arguments">Its args.</param>
/// <param name="Environment">Its env, in order.</param>
/// <param name="WorkingDirectory">Its workingDir; null when it leaves that to the image.</param>
/// <param name="Deadline">The smallest of all activeDeadlineSeconds.</param>
/// <param name="Problems">Why it cannot be run; empty when it can.</param>
/// <param name="Ignored">The fields that are passed over.</param>
internal sealed record RunObjectTemplate(
    FieldNode Pod,
    FieldNode Container,
    ImmutableArray<string> Command,
    ImmutableArray<string> Arguments,
    ImmutableArray<KeyValuePair<string, string>> Environment,
    string? WorkingDirectory,
    TimeSpan? Deadline,
    ImmutableArray<Problem> Problems,
    ImmutableArray<string> Ignored)
{
    public string CommandField => $"{Container.Field}.command";

    public string WorkingDirectoryField => $"{Container.Field}.workingDir";

    /// <summary>The command and its arguments.</summary>
    public ImmutableArray<string> CommandLine => [.. Command, .. Arguments];
}

/// <summary>What one runner makes of run objects.</summary>
/// <param name="Name">The runner, as messages name it.</param>
/// <param name="Unit">What it makes of a trial: "process of this machine".</param>
/// <param name="Pod">The fields of a pod.</param>
/// <param name="Container">The fields of a container.</param>
internal sealed record RunObjectRules(string Name, string Unit, FieldRules Pod, FieldRules Container);

/// <summary>Finds the primary container in run objects of the kinds that can be one program.</summary>
internal sealed class RunObjectReader
{
    private const string RootField = "trialTemplate.trialSpec";

    private readonly FieldReader _fields;
    private readonly RunObjectRules _rules;
    private long? _deadline;

    private RunObjectReader(FieldReader fields, RunObjectRules rules)
    {
        _fields = fields;
        _rules = rules;
    }

    public static RunObjectTemplate Read(
        JsonObject runObject, string primaryContainerName, RunObjectRules rules, FieldReader fields) =>
        new RunObjectReader(fields, rules).ReadRoot(new(runObject, RootField), primaryContainerName);

    private RunObjectTemplate ReadRoot(FieldNode root, string primaryContainerName)
    {
        var pods = Pods(root);
        var (pod, container) = pods.Select(pod => PrimaryContainer(pod, primaryContainerName)).ToList() is [{ } found]
            ? found
            : (new([], ""), new([], ""));
        _fields.Walk(container, _rules.Container);
        return new(
            pod,
            container,
            _fields.Texts(container, "command"),
            _fields.Texts(container, "args"),
            Variables(container),
            _fields.Text(container, "workingDir") is { Length: > 0 } directory ? directory : null,
            _deadline is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue)) : null,
            _fields.Problems,
            _fields.Ignored);
    }

    /// <summary>The pod template of a kind that can be one program; of another, none and a problem.</summary>
    private List<FieldNode> Pods(FieldNode root)
    {
        _fields.Walk(root, FieldRules.Root);
        _fields.Walk(_fields.Child(root, "metadata"), FieldRules.Metadata);
        var spec = _fields.Child(root, "spec");
        switch (_fields.Text(root, "apiVersion"), _fields.Text(root, "kind"))
        {
            case ("batch/v1", "Job"):
                _fields.Walk(spec, FieldRules.Job);
                Deadline(spec);
                AtMostOne(spec, "parallelism");
                AtMostOne(spec, "completions");
                return [_fields.Child(spec, "template")];

            case ("kubeflow.org/v1", "TFJob"):
                return TrainingPods(spec, "tfReplicaSpecs");

            case ("kubeflow.org/v1", "PyTorchJob"):
                return TrainingPods(spec, "pytorchReplicaSpecs");

            case var (version, kind):
                _fields.Refuse($"{RootField}.kind", root.Node["kind"],
                    $"A run object of apiVersion '{version}' and kind '{kind}' cannot be run as a {_rules.Unit}; "
                    + "use a batch/v1 Job (or a kubeflow.org/v1 TFJob or PyTorchJob with one replica), "
                    + "or run it on a cluster: " + FieldReader.NeedsKubernetes);
                return [];
        }
    }

    private List<FieldNode> TrainingPods(FieldNode spec, string replicas)
    {
        _fields.Walk(spec, FieldRules.TrainingJob);
        var policy = _fields.Child(spec, "runPolicy");
        _fields.Walk(policy, FieldRules.RunPolicy);
        Deadline(policy);

        var types = _fields.Child(spec, replicas);
        var pods = new List<FieldNode>();
        var count = 0L;
        foreach (var type in types.Node.Select(static type => type.Key).ToArray())
        {
            var replica = _fields.Child(types, type);
            _fields.Walk(replica, FieldRules.Replica);
            var number = _fields.Number(replica, "replicas") ?? 1;
            count += number;
            if (number > 0)
            {
                pods.Add(_fields.Child(replica, "template"));
            }
        }

        if (count is 1)
        {
            return pods;
        }

        _fields.Refuse(types.Field, null, $"A job of {count} replicas cannot be run as one {_rules.Unit}: "
            + "use exactly one replica, or run it on a cluster: " + FieldReader.NeedsKubernetes);
        return [];
    }

    private (FieldNode Pod, FieldNode Container)? PrimaryContainer(FieldNode template, string name)
    {
        _fields.Walk(template, FieldRules.PodTemplate);
        _fields.Walk(_fields.Child(template, "metadata"), FieldRules.Metadata);
        var pod = _fields.Child(template, "spec");
        _fields.Walk(pod, _rules.Pod);
        Deadline(pod);

        var containers = _fields.Items(pod, "containers")
            .Select(container => (At: container, Name: _fields.Text(container, "name")))
            .ToArray();
        foreach (var (other, _) in containers.Where(container => container.Name != name))
        {
            // A template without its primary container has one problem, not one for every other container as well.
            if (containers.Any(container => container.Name == name))
            {
                _fields.Refuse($"{other.Field}.name", other.Node["name"],
                    "Only the primary container is run here, and this one would be missing; remove it, or "
                    + FieldReader.NeedsKubernetes);
            }
        }

        if (containers.FirstOrDefault(container => container.Name == name) is { At.Node: not null, At: var primary })
        {
            return (pod, primary);
        }

        var names = string.Join(", ", containers.Select(static container => $"'{container.Name}'"));
        _fields.Refuse($"{pod.Field}.containers", null,
            $"No container is named '{name}', which primaryContainerName asks for; "
            + (names.Length is 0 ? "there is no container at all." : $"the template has {names}."));
        return null;
    }

    private ImmutableArray<KeyValuePair<string, string>> Variables(FieldNode container)
    {
        var variables = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var variable in _fields.Items(container, "env"))
        {
            _fields.Walk(variable, FieldRules.Variable);
            var name = _fields.Text(variable, "name") ?? "";
            if (name.Length is 0 || name.Contains('=', StringComparison.Ordinal))
            {
                _fields.Refuse($"{variable.Field}.name", variable.Node["name"], "A variable needs a name without '='.");
            }

            variables.Add(new(name, _fields.Text(variable, "value") ?? ""));
        }

        return variables.DrainToImmutable();
    }

    private void Deadline(FieldNode at)
    {
        if (_fields.Number(at, "activeDeadlineSeconds") is { } seconds)
        {
            _deadline = Math.Min(seconds, _deadline ?? seconds);
        }
    }

    private void AtMostOne(FieldNode at, string name)
    {
        if (_fields.Number(at, name) is > 1)
        {
            _fields.Refuse($"{at.Field}.{name}", at.Node[name],
                $"A trial is one {_rules.Unit}; use 1, or {FieldReader.NeedsKubernetes}");
        }
    }
}
