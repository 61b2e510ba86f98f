using System.Globalization;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>Which of several runs of an attempt's program the attempt's log is of: the cluster may start it again by itself.</summary>
internal static class ProgramRuns
{
    private const string RunFile = "run";

    /// <summary>The run whose output is copied; null before the first.</summary>
    public static string? ReadRun(this AttemptFolder folder) => folder.Read(RunFile);

    /// <summary>Written before anything of it is copied.</summary>
    public static void WriteRun(this AttemptFolder folder, string run) => folder.Write(RunFile, run);

    /// <summary>Whether there was a run before this one.</summary>
    public static bool HasEarlierRun(this AttemptFolder folder) => File.Exists(EarlierLog(folder, 1));

    /// <summary>Keeps the log of an earlier run under another name, <c>output.1.log</c>, <c>output.2.log</c>; its metrics files go.</summary>
    public static void PutLogAside(this AttemptFolder folder)
    {
        var number = 1;
        while (File.Exists(EarlierLog(folder, number)))
        {
            number++;
        }

        if (File.Exists(folder.OutputLog))
        {
            File.Move(folder.OutputLog, EarlierLog(folder, number));
        }
        else
        {
            File.WriteAllText(EarlierLog(folder, number), "");
        }

        LogFile.Forget(folder);
        Directory.Delete(folder.Metrics, recursive: true);
        _ = Directory.CreateDirectory(folder.Metrics);
    }

    private static string EarlierLog(AttemptFolder folder, int number) =>
        folder.FileOf(string.Create(CultureInfo.InvariantCulture, $"output.{number}.log"));
}
