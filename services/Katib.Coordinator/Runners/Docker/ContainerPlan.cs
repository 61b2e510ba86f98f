using System.Collections.Immutable;
using System.Globalization;
using Docker.DotNet.Models;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>One trial as a container that can be created.</summary>
/// <param name="Template">What the user has written.</param>
/// <param name="Program">Its program, with every variable filled in.</param>
/// <param name="Mounts">What is mounted, the metrics directory included.</param>
/// <param name="MetricsPath">The container's path of the metrics file or folder; null when the metrics are in the log.</param>
internal sealed record ContainerPlan(
    ContainerTemplate Template, TemplateProgram Program, ImmutableArray<ContainerMount> Mounts, string? MetricsPath)
{
    private const string MetricsVolume = "katib-metrics";

    /// <summary>What stands in the way of running the template as a container, and what is ignored.</summary>
    public static TemplateCheck Check(TrialTemplate template, MetricsCollectorSpec collector)
    {
        var container = ContainerReader.Read(template.RunObject, template.PrimaryContainerName);
        return new(Problems(container, collector), [.. Notes(container.Program.Ignored)]);
    }

    /// <summary>What stands in the way, for a template that has been read.</summary>
    public static ImmutableArray<Problem> Problems(ContainerTemplate container, MetricsCollectorSpec collector)
    {
        const string field = "metricsCollectorSpec.source.fileSystemPath.path";
        var directory = MetricsDirectory.Of(collector);
        var problems = container.Program.Problems;
        if (directory is "/")
        {
            problems = problems.Add(new(field, collector.Path, "The metrics need a directory of their own, which is "
                + "a volume in the container; choose a path such as /var/log/katib/metrics.log."));
        }

        var isInMemory = container.Mounts.Any(mount => mount is ContainerMount.InMemory && Is(mount, directory));
        problems = collector.HasDirectory && isInMemory
            ? problems.Add(new(field, collector.Path,
                "Docker cannot read a file out of a container's memory: mount an emptyDir without 'medium: Memory'."))
            : problems;
        return [.. problems, .. CollectorContainer.Problems(container, collector)];
    }

    /// <summary>Plans a trial in whose template <see cref="Problems"/> has found nothing wrong.</summary>
    /// <remarks>Nothing is rewritten: in a container Katib's metrics directory is where the user expects it.</remarks>
    public static ContainerPlan Of(ContainerTemplate container, TrialJob job)
    {
        var directory = MetricsDirectory.Of(job.Collector);
        var hasDirectory = job.Collector.HasDirectory;
        ImmutableArray<KeyValuePair<string, string>> own =
        [
            new(TemplateProgram.TrialNameVariable, job.Trial),
            .. hasDirectory ? [new(TemplateProgram.MetricsDirectoryVariable, directory)] : (KeyValuePair<string, string>[])[],
            .. job.Collector.Page is { Port: var port }
                ? [new(TemplateProgram.MetricsPortVariable, port.ToString(CultureInfo.InvariantCulture))]
                : (KeyValuePair<string, string>[])[],
        ];
        var program = TemplateProgram.Expand(container.Program, own, static text => text);
        ContainerMount[] metrics = hasDirectory && !IsMounted(container, directory)
            ? [new ContainerMount.Own(MetricsVolume, directory, IsReadOnly: false)]
            : [];
        return new(
            container,
            program with { Environment = [.. program.Environment, .. own, .. job.Environment] },
            [.. container.Mounts, .. metrics],
            job.Collector.HasFiles ? job.Collector.Path : null);
    }

    /// <summary>What Docker is asked for.</summary>
    /// <param name="name">The container's, and what its volumes' begin with.</param>
    /// <param name="labels">What marks it as ours.</param>
    /// <param name="device">The device that the trial has got; null when it has none of its own.</param>
    public CreateContainerParameters ToParameters(string name, IDictionary<string, string> labels, string? device)
    {
        var (limits, security) = (Template.Limits, Template.Security);
        var asked = new CreateContainerParameters
        {
            Name = name,
            Image = Template.Image,
            Env = [.. LastOfEach(Program.Environment).Select(static variable => $"{variable.Key}={variable.Value}")],
            Labels = labels,
            HostConfig = new()
            {
                // Of our own: what the daemon's default drops, rotates away or sends elsewhere would be lost to us.
                LogConfig = new()
                {
                    Type = "json-file",
                    Config = new Dictionary<string, string>
                    {
                        ["max-size"] = "1000g",
                        ["max-file"] = "1",
                        ["mode"] = "blocking",
                    },
                },
                ExtraHosts = [DockerHostName.Entry],
                NanoCPUs = (long)((limits.Cpus ?? 0) * 1_000_000_000),
                Memory = limits.Memory ?? 0,

                // Memory and swap together: a limit is a limit.
                MemorySwap = limits.Memory ?? 0,
                DeviceRequests = Devices(device, limits.Gpus),
                ReadonlyRootfs = security.RootIsReadOnly,
                CapAdd = [.. security.AddedCapabilities],
                CapDrop = [.. security.DroppedCapabilities],
                GroupAdd = [.. security.FurtherGroups.Select(static group => group.ToString(CultureInfo.InvariantCulture))],
                SecurityOpt = [.. security.Options],
                Mounts = [.. Mounts.Where(static mount => mount is not ContainerMount.OfHost { IsMade: true })
                    .Select(mount => ToMount(mount, name))],
                Binds = [.. Mounts.OfType<ContainerMount.OfHost>().Where(static mount => mount.IsMade)
                    .Select(static mount => $"{mount.Source}:{mount.Target}{(mount.IsReadOnly ? ":ro" : "")}")],
            },
        };

        // What is not set is the image's own.
        if (!Program.Command.IsEmpty)
        {
            asked.Entrypoint = [.. Program.Command];
        }

        if (!Program.Arguments.IsEmpty)
        {
            asked.Cmd = [.. Program.Arguments];
        }

        if (Template.Program.WorkingDirectory is { } directory)
        {
            asked.WorkingDir = directory;
        }

        if (security.User is { } user)
        {
            asked.User = User(user, security.Group);
        }

        return asked;
    }

    /// <summary>The names of the volumes that the attempt has for itself.</summary>
    public IEnumerable<string> VolumesOf(string name) =>
        Mounts.OfType<ContainerMount.Own>().Select(mount => VolumeName(name, mount)).Distinct(StringComparer.Ordinal);

    private static string VolumeName(string container, ContainerMount.Own mount) => $"{container}.{mount.Name}";

    private static bool IsMounted(ContainerTemplate container, string directory) =>
        container.Mounts.Any(mount => Is(mount, directory));

    private static bool Is(ContainerMount mount, string directory) => mount.Target.TrimEnd('/') == directory;

    private static IEnumerable<string> Notes(ImmutableArray<string> ignored)
    {
        if (!ignored.IsEmpty)
        {
            var (verb, they) = ignored.Length is 1 ? ("is", "it concerns") : ("are", "they concern");
            yield return $"In a container of Docker's {string.Join(", ", ignored)} {verb} ignored: {they} a cluster.";
        }
    }

    private static Mount ToMount(ContainerMount mount, string container) => mount switch
    {
        // Not filled from the image: an emptyDir is empty.
        ContainerMount.Own own => new()
        {
            Type = "volume",
            Source = VolumeName(container, own),
            Target = own.Target,
            ReadOnly = own.IsReadOnly,
            VolumeOptions = new() { NoCopy = true },
        },
        ContainerMount.InMemory memory => new()
        {
            Type = "tmpfs",
            Target = memory.Target,
            ReadOnly = memory.IsReadOnly,
            TmpfsOptions = new() { SizeBytes = memory.Bytes, Mode = Convert.ToUInt32("1777", 8) },
        },
        ContainerMount.OfHost host => new()
        {
            Type = "bind",
            Source = host.Source,
            Target = host.Target,
            ReadOnly = host.IsReadOnly,
        },
        _ => throw new InvalidOperationException($"There is no mount {mount}."),
    };

    private static DeviceRequest[] Devices(string? device, long count)
    {
        IList<IList<string>> gpu = [["gpu"]];
        return (device, count) switch
        {
            ({ } own, _) => [new() { DeviceIDs = [own], Capabilities = gpu }],
            (null, > 0) => [new() { Count = count, Capabilities = gpu }],
            _ => [],
        };
    }

    private static string User(long user, long? group) => group is { } own
        ? string.Create(CultureInfo.InvariantCulture, $"{user}:{own}")
        : user.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<KeyValuePair<string, string>> LastOfEach(
        ImmutableArray<KeyValuePair<string, string>> variables) =>
        variables.Reverse().DistinctBy(static variable => variable.Key, StringComparer.Ordinal).Reverse();
}
