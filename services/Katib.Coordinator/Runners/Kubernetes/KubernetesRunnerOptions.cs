using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>Whose trials a <see cref="KubernetesRunner"/> runs, and as what.</summary>
/// <param name="Store">Tells the trials of one store from those of another that uses the same cluster; fit for a label.</param>
/// <param name="Namespace">The experiment's namespace, in which its trials run.</param>
/// <param name="Experiment">Its name.</param>
/// <param name="Folder">Where each attempt has its folder, <c>TRIAL/ATTEMPT</c>; one experiment's alone.</param>
/// <param name="Template">What its trials run.</param>
public sealed record KubernetesRunnerOptions(string Store, string Namespace, string Experiment, string Folder, TrialTemplate Template)
{
    /// <summary>What Kubernetes gives pods that do not ask for another time.</summary>
    internal const int UsualGraceSeconds = 30;

    private const string MirrorImageVariable = "KATIB_METRICS_IMAGE";

    /// <summary>How long a pod that is no longer wanted may take to end itself, unless its template says; whole seconds.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a trial is looked at that nothing is heard of.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long other containers of a pod may go on when the primary one has ended.</summary>
    public TimeSpan OthersGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a pod may wait for an image, or a ConfigMap, that cannot be had, before its trial fails.</summary>
    public TimeSpan StartGrace { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long whoever ends trials waits for a cluster that does not answer, or does not get on.</summary>
    public TimeSpan StopPatience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The image of the container that prints metrics files: any with a shell, find, tail, head and base64.</summary>
    public string MirrorImage { get; init; } =
        Environment.GetEnvironmentVariable(MirrorImageVariable) is { Length: > 0 } own ? own : "busybox:1.37";

    internal string ApiVersion => (string?)Template.RunObject["apiVersion"] ?? "";

    internal string Kind => (string?)Template.RunObject["kind"] ?? "";
}
