using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Runners;

/// <summary>Runs the trials of one experiment: as local processes, in containers, or on a cluster.</summary>
/// <remarks>
/// Every call may be repeated: starting what runs adopts it, starting what has ended reports its end again,
/// stopping what is unknown does nothing. A runner knows nothing of experiments' rules.
/// </remarks>
public interface ITrialRunner : IAsyncDisposable
{
    /// <summary>What stands in the way of running this template here and now; empty when nothing does.</summary>
    /// <remarks>For templates in which <see cref="TrialRunners.Check"/> has found nothing wrong.</remarks>
    /// <exception cref="RunnerUnavailableException">What runs the trials does not answer.</exception>
    Task<ImmutableArray<Problem>> CheckAsync(
        TrialTemplate template, MetricsCollectorSpec collector, CancellationToken cancellationToken);

    /// <summary>Starts the trial, or adopts it where an earlier coordinator has started it.</summary>
    Task StartAsync(TrialJob job, CancellationToken cancellationToken);

    /// <summary>Ends the trial with all its processes, and removes what was kept of it; returns when none is left. No event
    /// follows.</summary>
    Task StopAsync(string trial, CancellationToken cancellationToken);

    /// <summary>Ends every trial of the experiment, whoever has started it; returns when nothing of them is left.</summary>
    /// <param name="sparesKept">Leaves what was kept of trials that ended by themselves.</param>
    /// <param name="cancellationToken">Leaves what is left.</param>
    Task SweepAsync(bool sparesKept, CancellationToken cancellationToken);

    /// <summary>What it waits for itself, as a sentence; null when nothing keeps it. May be read from any thread.</summary>
    string? Trouble => null;

    /// <summary>What happens to started trials, in order for each trial, until cancelled. One reader.</summary>
    IAsyncEnumerable<TrialEvent> WatchAsync(CancellationToken cancellationToken);
}

/// <summary>One trial to run.</summary>
/// <param name="Trial">The trial's name, unique in its experiment.</param>
/// <param name="Attempt">1 for the first start; each later one gets a folder of its own.</param>
/// <param name="RunObject">The template with every placeholder filled in.</param>
/// <param name="PrimaryContainerName">The container whose command is the trial.</param>
/// <param name="Collector">Where its metrics are.</param>
/// <param name="MetricNames">Which metrics count.</param>
public sealed record TrialJob(
    string Trial,
    int Attempt,
    System.Text.Json.Nodes.JsonObject RunObject,
    string PrimaryContainerName,
    MetricsCollectorSpec Collector,
    ImmutableArray<string> MetricNames)
{
    /// <summary>Variables of the coordinator's own, set in the trial on top of the template's.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>Whether its worker stays when it has ended by itself, until <see cref="ITrialRunner.StopAsync"/> or
    /// <see cref="ITrialRunner.SweepAsync"/> removes it.</summary>
    public bool IsKept { get; init; }

    /// <summary>How long the attempt may run, beside what its template says; null for as long as it likes.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>What has happened to a trial.</summary>
public abstract record TrialEvent(string Trial)
{
    /// <summary>It has reported values.</summary>
    /// <param name="Trial">Which trial.</param>
    /// <param name="Stream">Where it reports them, of several places; empty for the only one.</param>
    /// <param name="First">The ordinal of the first of them in its stream, from 0; the same whoever reads the stream.</param>
    /// <param name="Points">The values.</param>
    public sealed record Measured(string Trial, string Stream, long First, ImmutableArray<MetricPoint> Points)
        : TrialEvent(Trial);

    /// <summary>It has come to another point, or its program runs on and says nothing.</summary>
    /// <param name="Trial">Which trial.</param>
    /// <param name="Reason">Where it stands, one of <see cref="TrialReasons"/>.</param>
    /// <param name="Message">The same as a sentence for the user, with what it waits for.</param>
    public sealed record Noted(string Trial, string Reason, string Message) : TrialEvent(Trial);

    /// <summary>Its program was started again by what runs it: what it has reported does not count any more.</summary>
    /// <param name="Trial">Which trial.</param>
    public sealed record Restarted(string Trial) : TrialEvent(Trial);

    /// <summary>Its processes are gone, and all that it reported has been delivered.</summary>
    public sealed record Ended(string Trial, TrialExit Exit) : TrialEvent(Trial);
}

/// <summary>How a trial's program ended.</summary>
/// <param name="Kind">What ended it.</param>
/// <param name="Code">Its exit code, as a shell reports it (128 + signal); null when there is none.</param>
/// <param name="Message">One sentence for the user, with the last words of the log where the trial failed.</param>
public sealed record TrialExit(TrialExitKind Kind, int? Code, string Message)
{
    /// <summary>Why no value of the objective's metric was found, as a sentence; null where nothing is like it.</summary>
    public string? WhyUnavailable { get; init; }
}

/// <summary>What ended a trial's program.</summary>
public enum TrialExitKind
{
    /// <summary>It exited by itself, with whatever code.</summary>
    Exited,

    /// <summary>It needed more memory than its limit.</summary>
    OutOfMemory,

    /// <summary>activeDeadlineSeconds had passed.</summary>
    DeadlineExceeded,

    /// <summary>The job's own timeout had passed.</summary>
    TimedOut,

    /// <summary>It could not be started: no such command, no such directory.</summary>
    NotStarted,

    /// <summary>It vanished without an exit code: the machine restarted, or its supervisor was killed.</summary>
    Lost,
}

/// <summary>What runs the trials does not answer; the message says what to do.</summary>
public sealed class RunnerUnavailableException(string message, Exception? cause) : Exception(message, cause);
