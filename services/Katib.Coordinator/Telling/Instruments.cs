using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Telling;

/// <summary>What the coordinator measures: trials by their states, how long they take, and its calls of algorithms.</summary>
internal static class Instruments
{
    /// <summary>The name of the coordinator's meter and of its spans' source.</summary>
    public const string Name = "Katib.Coordinator";

    /// <summary>Makes the coordinator's spans.</summary>
    public static ActivitySource Source { get; } = new(Name);

    private static readonly TrialStatus[] States = Enum.GetValues<TrialStatus>();

    private static readonly Meter Meter = new(Name);

    private static readonly ConcurrentDictionary<ExperimentLoop, ExperimentSpec> Loops = new();

    private static readonly Histogram<double> TrialTimes = Meter.CreateHistogram(
        "katib.trial.duration",
        "s",
        "From a trial's start to its end, by the state that it ended in.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.1, 0.3, 1, 3, 10, 30, 60, 300, 600, 1800, 3600, 10800, 43200],
        });

    private static readonly Histogram<double> Calls = Meter.CreateHistogram(
        "rpc.client.call.duration",
        "s",
        "A call of an algorithm's service with all its retries.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
        });

    static Instruments() => _ = Meter.CreateObservableUpDownCounter(
        "katib.trials", CountTrials, "{trial}", "The trials of experiments that are worked on, by state.");

    /// <summary>Counts the trials of an experiment until disposed.</summary>
    public static IDisposable Watch(ExperimentLoop loop, ExperimentSpec spec)
    {
        Loops[loop] = spec;
        return new Watched(loop);
    }

    /// <summary>An attempt at a trial has ended.</summary>
    public static void Ended(TrialState attempt, TrialState after, DateTimeOffset end)
    {
        if (attempt.StartedAt is { } start)
        {
            TrialTimes.Record((end - start).TotalSeconds, new KeyValuePair<string, object?>("katib.trial.state", $"{after.Status}"));
        }
    }

    /// <summary>A call has ended.</summary>
    public static void Called(TimeSpan time, in TagList tags) => Calls.Record(time.TotalSeconds, tags);

    private static IEnumerable<Measurement<int>> CountTrials() =>
        from loop in Loops
        let counts = loop.Key.State.Trials.CountBy(static t => t.Status).ToDictionary()
        from state in States
        select new Measurement<int>(
            counts.GetValueOrDefault(state),
            new("katib.experiment.name", loop.Value.Name),
            new("katib.experiment.namespace", loop.Value.Namespace),
            new("katib.trial.state", $"{state}"));

    private sealed class Watched(ExperimentLoop loop) : IDisposable
    {
        public void Dispose() => _ = Loops.TryRemove(loop, out _);
    }
}
