using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Local;

namespace Katib.Coordinator;

/// <summary>What trials have printed.</summary>
public static class TrialLog
{
    /// <summary>The newest log of a trial below its experiment's folder; null when it has not printed anything yet.</summary>
    /// <remarks>A trial that waits to begin again has no log yet; the one of the attempt before says why.</remarks>
    public static string? Newest(string folder, TrialState trial) =>
        Enumerable.Range(1, trial.Attempt)
            .Select(n => ProcessRunner.OutputLog(folder, trial.Name, n))
            .LastOrDefault(File.Exists);
}
