using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners;

/// <summary>Where what a trial prints is kept, whatever has run it.</summary>
public static class TrialLog
{
    /// <summary>The file with all that an attempt has printed, in the folder of its experiment's trials.</summary>
    public static string FileOf(string folder, string trial, int attempt) =>
        AttemptFolder.Of(folder, trial, attempt).OutputLog;
}
