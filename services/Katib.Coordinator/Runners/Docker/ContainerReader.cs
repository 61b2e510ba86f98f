using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Reads the primary container with its limits, rights and volumes.</summary>
/// <remarks>
/// Before the first trial a text may still be a placeholder: what one leaves open is not judged, but again when the
/// trial begins.
/// </remarks>
internal sealed class ContainerReader
{
    private const long SmallestMemory = 6 * 1024 * 1024;

    private readonly FieldReader _fields = new(DockerRules.RunObject.Name);

    private ContainerReader() { }

    public static ContainerTemplate Read(JsonObject runObject, string primaryContainerName) =>
        new ContainerReader().ReadContainer(runObject, primaryContainerName);

    private ContainerTemplate ReadContainer(JsonObject runObject, string primaryContainerName)
    {
        var program = RunObjectReader.Read(runObject, primaryContainerName, DockerRules.RunObject, _fields);
        var (pod, container) = (program.Pod, program.Container);
        var isFound = container.Field.Length > 0;
        var image = _fields.Text(container, "image") ?? "";
        if (isFound && image.Length is 0)
        {
            _fields.Refuse($"{container.Field}.image", null, "A container needs an image.");
        }

        if (program.WorkingDirectory is { } directory && directory[0] is not '/' && !IsOpen(directory))
        {
            _fields.Refuse(program.WorkingDirectoryField, directory,
                "In a container workingDir is a path of the image, which begins with '/'.");
        }

        var template = new ContainerTemplate(
            program, image, Pull(container), Limits(container), Security(pod, container), Mounts(pod, container));
        return template with { Program = program with { Problems = _fields.Problems, Ignored = _fields.Ignored } };
    }

    private PullPolicy Pull(FieldNode container)
    {
        var text = _fields.Text(container, "imagePullPolicy");
        if (string.IsNullOrEmpty(text))
        {
            // Also for the tag latest: what was just built on this machine is what is meant.
            return PullPolicy.IfNotPresent;
        }

        if (!Enum.TryParse<PullPolicy>(text, out var policy) || policy.ToString() != text)
        {
            _fields.Refuse($"{container.Field}.imagePullPolicy", text, "This must be IfNotPresent, Always or Never.");
        }

        return policy;
    }

    private ContainerLimits Limits(FieldNode container)
    {
        var resources = _fields.Child(container, "resources");
        _fields.Walk(resources, DockerRules.Resources);
        var limits = _fields.Child(resources, "limits");
        _fields.Walk(limits, DockerRules.Limits);
        var cpus = Amount(limits, "cpu");
        var memory = Amount(limits, "memory");
        if (memory < SmallestMemory)
        {
            _fields.Refuse($"{limits.Field}.memory", limits.Node["memory"], "Docker's smallest limit is 6Mi.");
        }

        var gpus = Amount(limits, "nvidia.com/gpu") ?? 0;
        if (gpus != decimal.Truncate(gpus))
        {
            _fields.Refuse($"{limits.Field}.nvidia.com/gpu", limits.Node["nvidia.com/gpu"], "Devices are whole.");
        }

        return new(cpus, (long?)memory, limits.Node["memory"]?.ToString() ?? "", (long)gpus);
    }

    /// <summary>Quantities are text, and small ones are often written as numbers.</summary>
    private decimal? Amount(FieldNode at, string name)
    {
        if (at.Node[name] is not { } value || IsOpen(value.ToString()))
        {
            return null;
        }

        var isText = value.GetValueKind() is JsonValueKind.String or JsonValueKind.Number;
        if (isText && Quantity.Parse(value.ToString()) is { } amount)
        {
            return amount;
        }

        _fields.Refuse($"{at.Field}.{name}", value, "This must be an amount such as 500m, 2, 128Mi or 1G.");
        return null;
    }

    private ContainerSecurity Security(FieldNode pod, FieldNode container)
    {
        var ofPod = _fields.Child(pod, "securityContext");
        var own = _fields.Child(container, "securityContext");
        _fields.Walk(ofPod, DockerRules.Security);
        _fields.Walk(own, DockerRules.Security);
        var capabilities = _fields.Child(own, "capabilities");
        _fields.Walk(capabilities, DockerRules.Capabilities);

        var user = _fields.Number(own, "runAsUser") ?? _fields.Number(ofPod, "runAsUser");
        var group = _fields.Number(own, "runAsGroup") ?? _fields.Number(ofPod, "runAsGroup");
        if (group is not null && user is null)
        {
            _fields.Refuse($"{own.Field}.runAsGroup", null, "Docker sets a group beside a user only: write runAsUser.");
        }

        var mustNotBeRoot = _fields.Truth(own, "runAsNonRoot") ?? _fields.Truth(ofPod, "runAsNonRoot") ?? false;
        if (mustNotBeRoot && user is 0)
        {
            _fields.Refuse($"{own.Field}.runAsUser", null, "runAsNonRoot forbids the user 0.");
        }

        var options = ImmutableArray.CreateBuilder<string>();
        if (_fields.Truth(own, "allowPrivilegeEscalation") is false)
        {
            options.Add("no-new-privileges");
        }

        options.AddRange(Unconfined(own, ofPod, "seccompProfile", "seccomp=unconfined"));
        options.AddRange(Unconfined(own, ofPod, "appArmorProfile", "apparmor=unconfined"));
        return new(
            user,
            group,

            // Every volume of ours may be written by all, so that fsGroup is a further group and no more.
            [.. _fields.Numbers(ofPod, "supplementalGroups"), .. _fields.Number(ofPod, "fsGroup") is { } shared ? [shared] : (long[])[]],
            mustNotBeRoot,
            _fields.Truth(own, "readOnlyRootFilesystem") ?? false,
            _fields.Texts(capabilities, "add"),
            _fields.Texts(capabilities, "drop"),
            options.DrainToImmutable());
    }

    private IEnumerable<string> Unconfined(FieldNode own, FieldNode ofPod, string name, string option)
    {
        var profile = _fields.Child(own.Node[name] is null ? ofPod : own, name);
        _fields.Walk(profile, DockerRules.Profile);
        switch (_fields.Text(profile, "type"))
        {
            case null or "RuntimeDefault":
                return [];
            case "Unconfined":
                return [option];
            case var other:
                _fields.Refuse($"{profile.Field}.type", other, "Docker has RuntimeDefault and Unconfined.");
                return [];
        }
    }

    private ImmutableArray<ContainerMount> Mounts(FieldNode pod, FieldNode container)
    {
        var volumes = new Dictionary<string, FieldNode>(StringComparer.Ordinal);
        foreach (var volume in _fields.Items(pod, "volumes"))
        {
            _fields.Walk(volume, DockerRules.Volume);
            volumes[_fields.Text(volume, "name") ?? ""] = volume;
        }

        return [.. _fields.Items(container, "volumeMounts").SelectMany(mount => Mount(mount, volumes))];
    }

    private IEnumerable<ContainerMount> Mount(FieldNode mount, Dictionary<string, FieldNode> volumes)
    {
        _fields.Walk(mount, DockerRules.VolumeMount);
        var name = _fields.Text(mount, "name") ?? "";
        var target = _fields.Text(mount, "mountPath") ?? "";
        if (!target.StartsWith('/') && !IsOpen(target))
        {
            _fields.Refuse($"{mount.Field}.mountPath", target, "This must be a path that begins with '/'.");
        }

        var subPath = _fields.Text(mount, "subPath") ?? "";
        var isReadOnly = _fields.Truth(mount, "readOnly") ?? false;
        if (!volumes.TryGetValue(name, out var volume))
        {
            _fields.Refuse($"{mount.Field}.name", name, "No volume of the pod has this name.");
            return [];
        }

        if (volume.Node["hostPath"] is not null)
        {
            return OfHost(_fields.Child(volume, "hostPath"), target, subPath, isReadOnly);
        }

        if (volume.Node.ContainsKey("emptyDir"))
        {
            if (subPath.Length > 0)
            {
                _fields.Refuse($"{mount.Field}.subPath", subPath,
                    "A part of an emptyDir is not mounted; mount the whole of it.");
            }

            return EmptyDirectory(_fields.Child(volume, "emptyDir"), name, target, isReadOnly);
        }

        // Its kind has been refused by name.
        return [];
    }

    private IEnumerable<ContainerMount> EmptyDirectory(FieldNode empty, string name, string target, bool isReadOnly)
    {
        _fields.Walk(empty, DockerRules.EmptyDirectory);
        var size = (long?)Amount(empty, "sizeLimit");
        switch (_fields.Text(empty, "medium"))
        {
            case "Memory":
                return [new ContainerMount.InMemory(target, size, isReadOnly)];
            case null or "":
                if (size is not null)
                {
                    _fields.Ignore("emptyDir.sizeLimit");
                }

                return [new ContainerMount.Own(name, target, isReadOnly)];
            case var other:
                _fields.Refuse($"{empty.Field}.medium", other, "Docker has the disk, which is the default, and Memory.");
                return [];
        }
    }

    private IEnumerable<ContainerMount> OfHost(FieldNode host, string target, string subPath, bool isReadOnly)
    {
        _fields.Walk(host, DockerRules.HostPath);
        var source = _fields.Text(host, "path") ?? "";
        if (!source.StartsWith('/') && !IsOpen(source))
        {
            _fields.Refuse($"{host.Field}.path", source, "This must be a path that begins with '/'.");
        }

        if (subPath.Split('/').Contains(".."))
        {
            _fields.Refuse($"{host.Field}.path", subPath, "A subPath stays inside its volume.");
        }

        var isMade = false;
        switch (_fields.Text(host, "type"))
        {
            case null or "" or "Directory" or "File" or "Socket":
                break;
            case "DirectoryOrCreate" when $"{source}{target}".Contains(':', StringComparison.Ordinal):
                _fields.Refuse($"{host.Field}.path", source, "Docker does not make a directory with ':' in its path.");
                break;
            case "DirectoryOrCreate":
                isMade = true;
                break;
            case var other:
                _fields.Refuse($"{host.Field}.type", other, "Docker mounts what is there: Directory, File, Socket; "
                    + "or DirectoryOrCreate.");
                break;
        }

        var path = subPath.Length is 0 ? source : $"{source.TrimEnd('/')}/{subPath}";
        return [new ContainerMount.OfHost(path, target, isReadOnly, isMade)];
    }

    private static bool IsOpen(string text) => text.Contains("${", StringComparison.Ordinal);
}
