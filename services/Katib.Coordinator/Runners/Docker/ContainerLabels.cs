using System.Globalization;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>How an experiment's containers and volumes are named and found again.</summary>
/// <remarks>
/// A name follows from the attempt, so that whoever starts it twice collides. The store's id keeps the trials of two
/// stores apart that use one daemon.
/// </remarks>
internal sealed record ContainerLabels(string Store, string Namespace, string Experiment)
{
    private const string TrialLabel = "katib.trial";
    private const string AttemptLabel = "katib.attempt";
    private const string DeviceLabel = "katib.gpu";
    private const string KeptLabel = "katib.kept";

    private string Prefix => $"katib.{Store}.{Namespace}.{Experiment}";

    public string NameOf(TrialJob job) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}.{job.Trial}.{job.Attempt}");

    /// <summary>What marks everything of one attempt.</summary>
    public Dictionary<string, string> Of(TrialJob job, string? device = null)
    {
        var labels = new Dictionary<string, string>(Of(job.Trial))
        {
            [AttemptLabel] = job.Attempt.ToString(CultureInfo.InvariantCulture),
        };
        if (job.IsKept)
        {
            labels[KeptLabel] = "true";
        }

        if (device is not null)
        {
            labels[DeviceLabel] = device;
        }

        return labels;
    }

    /// <summary>What marks everything of one trial.</summary>
    public Dictionary<string, string> Of(string trial) => new(OfExperiment()) { [TrialLabel] = trial };

    /// <summary>What marks everything of the experiment.</summary>
    public Dictionary<string, string> OfExperiment() => new(StringComparer.Ordinal)
    {
        ["katib.store"] = Store,
        ["katib.namespace"] = Namespace,
        ["katib.experiment"] = Experiment,
    };

    /// <summary>The trial and the device that labels name; null when they name no device.</summary>
    public static (string Trial, string Device)? DeviceOf(IDictionary<string, string> labels) =>
        labels.TryGetValue(TrialLabel, out var trial) && labels.TryGetValue(DeviceLabel, out var device)
            ? (trial, device)
            : null;

    /// <summary>Whether what has these labels is kept when it has ended.</summary>
    public static bool IsKept(IDictionary<string, string> labels) => labels.ContainsKey(KeptLabel);

    /// <summary>As Docker's lists take them.</summary>
    public static Dictionary<string, IDictionary<string, bool>> Filter(IEnumerable<KeyValuePair<string, string>> labels) =>
        new(StringComparer.Ordinal)
        {
            ["label"] = labels.ToDictionary(static label => $"{label.Key}={label.Value}", static _ => true),
        };
}
