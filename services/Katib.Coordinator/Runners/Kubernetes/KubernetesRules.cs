using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>What stands in the way of running a template on a cluster, without a look at any.</summary>
internal static class KubernetesRules
{
    public static TemplateCheck Check(TrialTemplate template, MetricsCollectorSpec collector) => new(
        [
            .. Condition("successCondition", template.SuccessCondition),
            .. Condition("failureCondition", template.FailureCondition),
            .. Container(template),
            .. Collector(collector),
        ],
        []);

    private static IEnumerable<Problem> Condition(string name, string text)
    {
        string? problem = null;
        try
        {
            _ = ConditionPath.Parse(text);
        }
        catch (FormatException wrong)
        {
            problem = wrong.Message;
        }

        if (problem is not null)
        {
            yield return new(
                $"trialTemplate.{name}",
                text,
                $"It {problem}. Of GJSON a condition may use keys, #(key==\"text\"), # behind it, [@this] and |, "
                    + "for instance status.conditions.#(type==\"Complete\")#|#(status==\"True\")#.");
        }
    }

    /// <summary>Without a container of that name there would be no log, and nothing to say why.</summary>
    private static IEnumerable<Problem> Container(TrialTemplate template)
    {
        if (!PodTemplates.In(template.RunObject).Any())
        {
            yield return new(
                "trialTemplate.trialSpec.kind",
                (string?)template.RunObject["kind"] ?? "",
                "It holds no pod template (an object with spec.containers), so that its pods cannot be told from others: use a kind that "
                    + "holds them, such as Job, PyTorchJob or JobSet.");
        }
        else if (!PodTemplates.Have(template.RunObject, template.PrimaryContainerName))
        {
            yield return new(
                "trialTemplate.primaryContainerName",
                template.PrimaryContainerName,
                "No pod template of the trialSpec has a container of this name: name the one whose program is the trial.");
        }
    }

    private static ImmutableArray<Problem> Collector(MetricsCollectorSpec collector)
    {
        var directory = MetricsDirectory.Of(collector);
        return collector switch
        {
            { Kind: CollectorKind.Custom } =>
            [
                new(
                    "metricsCollectorSpec.collector.kind",
                    "Custom",
                    "Write the collector's container into the template, beside the primary one, and choose Push: it reports to the "
                        + "address and with the token that the primary container's environment names."),
            ],
            { HasFiles: true } when directory is "/" =>
            [
                new(
                    "metricsCollectorSpec.source.fileSystemPath.path",
                    collector.Path,
                    "The metrics need a directory of their own, on which a volume is mounted; choose a path such as /var/log/katib/metrics.log."),
            ],
            _ => [],
        };
    }
}
