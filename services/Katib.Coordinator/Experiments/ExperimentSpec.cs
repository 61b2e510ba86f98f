using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Experiments;

/// <summary>What the user wants: one Katib Experiment, checked and with Katib's defaults filled in.</summary>
/// <param name="Name">The experiment's name.</param>
/// <param name="Namespace">Its namespace; <c>default</c> when the manifest names none.</param>
/// <param name="Parameters">The search space in the user's spelling, in the user's order.</param>
/// <param name="Objective">What is to become small or large.</param>
/// <param name="Algorithm">Who proposes the points.</param>
/// <param name="ParallelTrialCount">How many trials may run at once; at least 1.</param>
/// <param name="MaxTrialCount">How many trials may end before the experiment does; null for no limit.</param>
/// <param name="MaxFailedTrialCount">How many may fail; null for no limit.</param>
/// <param name="ResumePolicy">Whether a finished experiment may go on with a larger budget.</param>
/// <param name="MetricsCollector">Where a trial's metrics are read from.</param>
/// <param name="Template">What one trial runs.</param>
/// <param name="Manifest">The whole Experiment as Katib's JSON, defaults filled in, without status.</param>
public sealed record ExperimentSpec(
    string Name,
    string Namespace,
    ImmutableArray<ParameterSpec> Parameters,
    ObjectiveSpec Objective,
    AlgorithmSpec Algorithm,
    int ParallelTrialCount,
    int? MaxTrialCount,
    int? MaxFailedTrialCount,
    ResumePolicy ResumePolicy,
    MetricsCollectorSpec MetricsCollector,
    TrialTemplate Template,
    JsonObject Manifest)
{
    /// <summary>The points that are tried before the algorithm is asked for any, in this order.</summary>
    public ImmutableArray<ImmutableArray<Assignment>> InitialPoints { get; init; } = [];

    /// <summary>What is known from elsewhere: the algorithm hears of it, no trial repeats it, and it is no trial of this experiment.</summary>
    public ImmutableArray<PriorResult> PriorResults { get; init; } = [];

    /// <summary>Who says when a trial is to be ended early, and its settings; null where each runs to its end.</summary>
    public AlgorithmSpec? EarlyStopping { get; init; }

    /// <summary>Whether something of it needs the address where trials report by themselves.</summary>
    public bool NeedsPush => MetricsCollector.TakesPushes || EarlyStopping is not null;

    /// <summary>How long it and its trials may take, and which failed trials are tried again.</summary>
    public RunPolicy Policy { get; init; } = RunPolicy.Default;

    /// <summary>Of which trials the workers are kept.</summary>
    public KeepPolicy Keeps => Policy.Keeps ?? (Template.Retain ? KeepPolicy.All : KeepPolicy.None);

    /// <summary>Whether the user wants points repeated, for instance because the objective is noisy.</summary>
    public bool AllowsDuplicates => Algorithm.Settings.Any(
        static s => s.Key is "allow_duplicates" && bool.TryParse(s.Value, out var allowed) && allowed);
}

/// <summary>What the objective was at a point, in another experiment or by another program.</summary>
/// <param name="Point">The point.</param>
/// <param name="Value">The objective's value; finite.</param>
public sealed record PriorResult(ImmutableArray<Assignment> Point, double Value);

/// <summary>The objective. <paramref name="Strategies"/> has one entry for every metric.</summary>
public sealed record ObjectiveSpec(
    bool Maximize,
    double? Goal,
    string MetricName,
    ImmutableArray<string> AdditionalMetricNames,
    ImmutableDictionary<string, MetricStrategy> Strategies)
{
    /// <summary>The objective's metric first, then the additional ones.</summary>
    public ImmutableArray<string> AllMetricNames => [MetricName, .. AdditionalMetricNames];
}

/// <summary>Which of a metric's values stands for the trial.</summary>
public enum MetricStrategy
{
    /// <summary>The smallest.</summary>
    Min,

    /// <summary>The largest.</summary>
    Max,

    /// <summary>The one with the latest time.</summary>
    Latest,
}

/// <summary>The algorithm's name and its settings, in the user's order.</summary>
public sealed record AlgorithmSpec(string Name, ImmutableArray<KeyValuePair<string, string>> Settings);

/// <summary>Katib's resume policies.</summary>
public enum ResumePolicy
{
    /// <summary>A finished experiment stays finished.</summary>
    Never,

    /// <summary>It goes on when its budget is raised.</summary>
    LongRunning,

    /// <summary>The same; kept apart because Katib names it so.</summary>
    FromVolume,
}

/// <summary>The metrics collectors that the coordinator honours.</summary>
public enum CollectorKind
{
    /// <summary>What the primary container prints, stdout and stderr together.</summary>
    StdOut,

    /// <summary>A file that it writes.</summary>
    File,

    /// <summary>Event files of TensorFlow or PyTorch that it writes into a directory.</summary>
    TensorFlowEvent,

    /// <summary>What it reports by itself, over the network.</summary>
    Push,

    /// <summary>A page in Prometheus' text format that it serves over HTTP while it runs.</summary>
    PrometheusMetric,

    /// <summary>A container of the user's runs beside the trial's and reports what it finds by itself.</summary>
    Custom,

    /// <summary>Nothing is read; what older Katibs call Push.</summary>
    None,
}

/// <summary>How a metrics file is written.</summary>
public enum MetricsFormat
{
    /// <summary>Lines of text, searched with the filters.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>Where a trial's metrics are read from, and how.</summary>
/// <param name="Kind">The collector.</param>
/// <param name="Path">The absolute path of the file in Katib's container, or of the directory; empty for a
/// <see cref="CollectorKind.Custom"/> without one, and without meaning for the other collectors.</param>
/// <param name="Format">How a file or a log is written.</param>
/// <param name="Filters">RE2 expressions with two groups, name and value; empty for Katib's default.</param>
public sealed record MetricsCollectorSpec(
    CollectorKind Kind, string Path, MetricsFormat Format, ImmutableArray<string> Filters)
{
    /// <summary>Whether its metrics are in files at <see cref="Path"/>.</summary>
    public bool HasFiles => Kind is CollectorKind.File or CollectorKind.TensorFlowEvent;

    /// <summary>Whether a directory of the trial's is there for its metrics, whoever looks into it.</summary>
    public bool HasDirectory => HasFiles || (Kind is CollectorKind.Custom && Path.Length > 0);

    /// <summary>Whether values are reported by the trial itself, or by a container beside it.</summary>
    public bool TakesPushes => Kind is CollectorKind.Push or CollectorKind.Custom or CollectorKind.None;

    /// <summary>The container of <see cref="CollectorKind.Custom"/>, as the user has written it; null for the other collectors.</summary>
    public JsonObject? Container { get; init; }

    /// <summary>The page of <see cref="CollectorKind.PrometheusMetric"/>; null for the other collectors.</summary>
    public MetricsPage? Page { get; init; }
}

/// <summary>The page on which a trial serves its metrics over HTTP.</summary>
/// <param name="Path">Its path, which begins with '/'.</param>
/// <param name="Port">The port on which the trial listens, from 1 to 65535.</param>
/// <param name="Headers">What is sent along when it is asked for, in the user's order.</param>
public sealed record MetricsPage(string Path, int Port, ImmutableArray<KeyValuePair<string, string>> Headers);

/// <summary>What one trial runs: an object of any kind with placeholders.</summary>
/// <param name="RunObject">The template, for instance a batch/v1 Job; never changed.</param>
/// <param name="Parameters">What the placeholders stand for.</param>
/// <param name="PrimaryContainerName">The container whose command is the trial.</param>
/// <param name="Retain">Whether the run object stays after the trial has ended.</param>
public sealed record TrialTemplate(
    JsonObject RunObject, ImmutableArray<TrialParameter> Parameters, string PrimaryContainerName, bool Retain)
{
    /// <summary>That of an experiment whose manifest this release cannot read any more.</summary>
    public static TrialTemplate Unknown { get; } = new([], [], "", Retain: false);

    /// <summary>Which of a trial's pods is the primary one; empty for all of them.</summary>
    public ImmutableArray<KeyValuePair<string, string>> PrimaryPodLabels { get; init; } = [];

    /// <summary>When a run object has succeeded, as a GJSON path.</summary>
    public string SuccessCondition { get; init; } = "";

    /// <summary>When it has failed; asked first.</summary>
    public string FailureCondition { get; init; } = "";
}

/// <summary>The placeholder <c>${trialParameters.Name}</c> and the search parameter or meta key that fills it.</summary>
public sealed record TrialParameter(string Name, string Reference);
