using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners;

/// <summary>Where what a trial prints is kept, whatever has run it.</summary>
public static class TrialLog
{
    /// <summary>The file with all that an attempt has printed, in the folder of its experiment's trials.</summary>
    public static string FileOf(string folder, string trial, int attempt) =>
        AttemptFolder.Of(folder, trial, attempt).OutputLog;

    /// <summary>The newest log of a trial below its experiment's folder; null when it has not printed anything yet.</summary>
    /// <remarks>A trial that waits to begin again has no log yet; the one of the attempt before says why.</remarks>
    public static string? Newest(string folder, TrialState trial) =>
        Enumerable.Range(1, trial.Attempt).Select(n => FileOf(folder, trial.Name, n)).LastOrDefault(File.Exists);
}
