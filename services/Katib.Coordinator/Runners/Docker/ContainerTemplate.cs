using System.Collections.Immutable;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>When an image is fetched from its registry.</summary>
internal enum PullPolicy
{
    /// <summary>When it is missing.</summary>
    IfNotPresent,

    /// <summary>Before every trial.</summary>
    Always,

    /// <summary>It is here, or the trial fails.</summary>
    Never,
}

/// <summary>The primary container of a run object, as Docker can run it.</summary>
internal sealed record ContainerTemplate(
    RunObjectTemplate Program,
    string Image,
    PullPolicy Pull,
    ContainerLimits Limits,
    ContainerSecurity Security,
    ImmutableArray<ContainerMount> Mounts);

/// <summary>What the container may use; null for no limit.</summary>
/// <param name="Cpus">So many processors.</param>
/// <param name="Memory">So many bytes.</param>
/// <param name="MemoryText">The same in the user's spelling.</param>
/// <param name="Gpus">So many devices of NVIDIA's.</param>
internal sealed record ContainerLimits(decimal? Cpus, long? Memory, string MemoryText, long Gpus);

/// <summary>As whom and with what rights the program runs; what is null or empty is Docker's default.</summary>
internal sealed record ContainerSecurity(
    long? User,
    long? Group,
    ImmutableArray<long> FurtherGroups,
    bool MustNotBeRoot,
    bool RootIsReadOnly,
    ImmutableArray<string> AddedCapabilities,
    ImmutableArray<string> DroppedCapabilities,
    ImmutableArray<string> Options);

/// <summary>What is mounted where in the container.</summary>
internal abstract record ContainerMount(string Target, bool IsReadOnly)
{
    /// <summary>A directory of the attempt's own, which is gone with it.</summary>
    public sealed record Own(string Name, string Target, bool IsReadOnly) : ContainerMount(Target, IsReadOnly);

    /// <summary>The same in memory.</summary>
    public sealed record InMemory(string Target, long? Bytes, bool IsReadOnly) : ContainerMount(Target, IsReadOnly);

    /// <summary>A path of the machine that the daemon is on.</summary>
    public sealed record OfHost(string Source, string Target, bool IsReadOnly, bool IsMade)
        : ContainerMount(Target, IsReadOnly);
}
