using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>What a trial waits for whose program does not run.</summary>
/// <param name="Reason">In one word, Kubernetes' own where it has one.</param>
/// <param name="Message">The same as a sentence, with the cluster's own words.</param>
internal sealed record Waiting(string Reason, string Message)
{
    /// <summary>Whether waiting for long is in vain: nothing will come unless somebody changes something.</summary>
    public bool IsHopeless { get; init; }

    /// <summary>Whether it is in vain from the beginning.</summary>
    public bool IsFinal { get; init; }

    /// <summary>What there is to see of it; null when the program runs or has ended.</summary>
    public static Waiting? Of(JsonObject runObject, PodView? newest, ClusterFeeds feeds)
    {
        if (newest is not { } view)
        {
            return IsSuspended(runObject)
                ? new("Suspended", $"The {feeds.Kind.Kind} is suspended: whoever has suspended it, for instance a queue, lets it go on.")
                : feeds.Warning(runObject) is { } refused
                    ? OfEvent(refused, $"There is no pod for the {feeds.Kind.Kind} yet")
                    : new("PodPending", $"The {feeds.Kind.Kind} is created; its operator has not created a pod yet.");
        }

        if (view.RunningSince is not null || view.Ended is not null)
        {
            return null;
        }

        var pod = view.Pod;
        if ((pod["status"]?["conditions"]).With("type", "PodScheduled") is { } scheduled && (string?)scheduled["status"] is "False")
        {
            return new(
                (string?)scheduled["reason"] ?? "Unschedulable",
                PodView.Sentence("No node takes the pod", null, (string?)scheduled["message"]));
        }

        var statuses = ((pod["status"]?["initContainerStatuses"] as JsonArray) ?? [])
            .Concat((pod["status"]?["containerStatuses"] as JsonArray) ?? [])
            .OfType<JsonObject>();
        foreach (var status in statuses)
        {
            if (status["state"]?["waiting"] is JsonObject waiting
                && (string?)waiting["reason"] is { Length: > 0 } reason and not ("ContainerCreating" or "PodInitializing"))
            {
                return new(
                    reason,
                    PodView.Sentence($"The container '{(string?)status["name"]}' cannot start", reason, (string?)waiting["message"]))
                {
                    IsHopeless = reason is not "CrashLoopBackOff",
                    IsFinal = reason is "InvalidImageName",
                };
            }
        }

        return feeds.Warning(pod) is { } warning
            ? OfEvent(warning, "The pod has not started yet")
            : new("PodPending", "The pod has not started yet: its node prepares it.");
    }

    private static Waiting OfEvent(JsonObject warning, string what)
    {
        var reason = (string?)warning["reason"] ?? "PodPending";
        var message = (string?)warning["message"];
        return new(reason, PodView.Sentence(what, reason, message))
        {
            // A quota has room again when others have ended; what is forbidden stays so.
            IsHopeless = reason is "FailedMount" or "FailedCreate" && message?.Contains("exceeded quota", StringComparison.Ordinal) is not true,
        };
    }

    private static bool IsSuspended(JsonObject runObject) =>
        (bool?)runObject["spec"]?["suspend"] is true
        || (bool?)runObject["spec"]?["runPolicy"]?["suspend"] is true
        || (string?)(runObject["status"]?["conditions"]).With("type", "Suspended")?["status"] is "True";
}
