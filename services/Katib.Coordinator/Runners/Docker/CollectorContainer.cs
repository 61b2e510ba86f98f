using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>The container of the collector Custom: the user's own, of the same pod as the trial's.</summary>
/// <remarks>It shares the trial's volumes, its metrics directory among them, and has a network and processes of its own.</remarks>
internal static class CollectorContainer
{
    public const string Field = "metricsCollectorSpec.collector.customCollector";

    private const string Name = "metrics-collector";
    private const string FieldInPod = "trialTemplate.trialSpec.spec.template.spec.containers[0]";

    /// <summary>The container beside <paramref name="primary"/>; null for the other collectors.</summary>
    public static ContainerTemplate? Of(ContainerTemplate primary, MetricsCollectorSpec collector)
    {
        if (collector.Container is null)
        {
            return null;
        }

        var container = collector.Container.DeepClone().AsObject();
        container["name"] ??= Name;
        var pod = new JsonObject { ["containers"] = new JsonArray(container) };
        foreach (var shared in (string[])["volumes", "securityContext"])
        {
            pod[shared] = primary.Program.Pod.Node[shared]?.DeepClone();
        }

        var job = new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = pod } },
        };
        return ContainerReader.Read(job, container["name"]!.ToString());
    }

    /// <summary>What stands in the way of running it; what concerns the pod is said of the trial's container.</summary>
    public static IEnumerable<Problem> Problems(ContainerTemplate primary, MetricsCollectorSpec collector)
    {
        if (Of(primary, collector) is not { } container)
        {
            yield break;
        }

        foreach (var problem in container.Program.Problems)
        {
            if (problem.Field.StartsWith(FieldInPod, StringComparison.Ordinal))
            {
                yield return problem with { Field = $"{Field}{problem.Field[FieldInPod.Length..]}" };
            }
        }

        if (container.Mounts.FirstOrDefault(static mount => mount is ContainerMount.InMemory) is { Target: var target })
        {
            yield return new(
                $"{Field}.volumeMounts",
                target,
                "Docker does not share memory between containers: mount an emptyDir without 'medium: Memory'.");
        }
    }
}
