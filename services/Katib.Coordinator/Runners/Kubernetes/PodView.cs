using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>A pod and its primary container, as a trial sees them.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Status">The container's status; null while its node has not reported it.</param>
internal sealed record PodView(JsonObject Pod, JsonObject? Status)
{
    public static PodView Of(JsonObject pod, string container) =>
        new(pod, (pod["status"]?["containerStatuses"]).With("name", container));

    /// <summary>Tells one run of the program from the others: a pod may be replaced, and a container started again.</summary>
    public string? Run => IsBegun ? $"{Pod.Uid()}/{Restarts}" : null;

    /// <summary>How often the node has started the container again.</summary>
    public int Restarts => (int?)Status?["restartCount"] ?? 0;

    /// <summary>Since when its program runs; null when it does not.</summary>
    public DateTimeOffset? RunningSince => (Status?["state"]?["running"]).TimeAt("startedAt");

    /// <summary>How its program has ended; null while it has not, or is to be started again.</summary>
    public JsonObject? Ended => Status?["state"]?["terminated"] as JsonObject;

    /// <summary>How it has ended this time or the time before.</summary>
    public JsonObject? LastEnded => Ended ?? Status?["lastState"]?["terminated"] as JsonObject;

    /// <summary>What it waits for; null when it does not.</summary>
    public JsonObject? Waiting => Status?["state"]?["waiting"] as JsonObject;

    /// <summary>Whether all its containers have ended, by Kubernetes' count.</summary>
    public bool IsOver => (string?)Pod["status"]?["phase"] is "Succeeded" or "Failed";

    /// <summary>Whether its node starts what has failed again.</summary>
    public bool StartsAgain => (string?)Pod["spec"]?["restartPolicy"] is not "Never";

    /// <summary>Why it was taken away, and not ended by itself; null when it was not.</summary>
    public string? TakenAway =>
        (Pod["status"]?["conditions"]).With("type", "DisruptionTarget") is { } disrupted && (string?)disrupted["status"] is "True"
            ? Sentence("The pod was taken away", (string?)disrupted["reason"], (string?)disrupted["message"])
            : (string?)Pod["status"]?["reason"] is "Evicted" or "Preempting" or "NodeLost" or "NodeShutdown" or "Terminated" or "Shutdown"
                or "NodeAffinity" or "UnexpectedAdmissionError" or "OutOfcpu" or "OutOfmemory"
                ? Sentence("The pod was taken away", (string?)Pod["status"]?["reason"], (string?)Pod["status"]?["message"])
                : null;

    private bool IsBegun => Status?["state"]?["running"] is not null || Ended is not null || Restarts > 0;

    /// <summary>What is known, in one sentence.</summary>
    public static string Sentence(string what, string? reason, string? message) =>
        $"{string.Join(": ", new[] { what, reason, message?.TrimEnd('.', '\n') }.Where(static part => !string.IsNullOrEmpty(part)))}.";
}
