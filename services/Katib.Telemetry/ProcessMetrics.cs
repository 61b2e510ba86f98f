using System.Diagnostics.Metrics;

namespace Katib.Telemetry;

/// <summary>What the process takes from its container.</summary>
internal static class ProcessMetrics
{
    public const string Name = "Katib.Process";

    private static readonly Meter Meter = new(Name);

    /// <summary>Begins to measure, which happens only when somebody looks.</summary>
    public static void Register()
    {
        _ = Meter.CreateObservableUpDownCounter(
            "process.memory.usage", static () => Environment.WorkingSet, "By", "The memory that is resident (RSS).");
        _ = Meter.CreateObservableCounter(
            "process.cpu.time",
            static () => Environment.CpuUsage.TotalTime.TotalSeconds,
            "s",
            "The time that processors have worked for the process.");
    }
}
