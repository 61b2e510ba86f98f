using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Metrics.Events;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>Some values that a trial has reported.</summary>
/// <param name="Stream">Where, of several places that each keep their order; empty for the only one.</param>
/// <param name="Points">The values, in that order.</param>
internal readonly record struct Report(string Stream, ImmutableArray<MetricPoint> Points);

/// <summary>Where an attempt's metrics appear, read again and again from where the last look ended.</summary>
internal interface IMetricsSource
{
    /// <summary>What has been reported since the last look, in portions of bounded size.</summary>
    IAsyncEnumerable<Report> ReadNewAsync(CancellationToken cancellationToken);

    /// <summary>The same once nothing more is written.</summary>
    IAsyncEnumerable<Report> ReadToEndAsync(CancellationToken cancellationToken);

    /// <summary>Why there is no value of a metric so far, as a sentence; null where there is nothing to say.</summary>
    string? WhyMissing(string metric);
}

/// <summary>The sources by the collectors' kinds.</summary>
internal static class MetricsSources
{
    /// <summary>So many files are named where the right one is missing.</summary>
    private const int MostOthers = 3;

    public static IMetricsSource Of(
        TrialJob job, IAttempt attempt, Func<TrialJob, ILineParser> parsers, TimeProvider time) => job.Collector.Kind switch
        {
            CollectorKind.TensorFlowEvent => new EventSource(new(attempt.MetricsPath, job.Collector.Path, job.MetricNames)),
            CollectorKind.PrometheusMetric => new ScrapeSource(attempt, job.Collector.Page!, job.MetricNames, time),
            CollectorKind.Custom => new NoSource(() => SaidIn(attempt.MetricsPath)),
            CollectorKind.Push => new NoSource(static () => null),
            CollectorKind.None => new NoSource(static () => "The collector None reads nothing of a trial."),
            _ => new LineSource(attempt.MetricsPath, job.Collector, parsers(job)),
        };

    private static string? SaidIn(string file) => File.Exists(file) ? File.ReadAllText(file) : null;

    /// <summary>Lines of one file.</summary>
    private sealed class LineSource(string path, MetricsCollectorSpec collector, ILineParser parser) : IMetricsSource
    {
        private readonly FileTail _file = new(path);

        public IAsyncEnumerable<Report> ReadNewAsync(CancellationToken cancellationToken) =>
            _file.ReadNew().Select(Parse).ToAsyncEnumerable();

        public IAsyncEnumerable<Report> ReadToEndAsync(CancellationToken cancellationToken) =>
            _file.ReadToEnd().Select(Parse).ToAsyncEnumerable();

        public string? WhyMissing(string metric) =>
            collector.Kind is CollectorKind.File && !File.Exists(path)
                ? $"There is no file {collector.Path}{Others()}."
                : parser.WhyMissing(metric);

        private string Others()
        {
            var folder = Path.GetDirectoryName(path)!;
            string[] others = Directory.Exists(folder)
                ? [.. Directory.EnumerateFiles(folder).Take(MostOthers).Select(static f => $"'{Path.GetFileName(f)}'")]
                : [];
            return others.Length > 0 ? $", but {string.Join(", ", others)} in its place" : "";
        }

        private Report Parse(List<string> lines) => new("", [.. lines.SelectMany(line => parser.Parse(line))]);
    }

    /// <summary>Event files, each a stream of its own.</summary>
    private sealed class EventSource(EventFolder folder) : IMetricsSource
    {
        public IAsyncEnumerable<Report> ReadNewAsync(CancellationToken cancellationToken) =>
            folder.ReadNew().Select(static read => new Report(read.File, read.Points)).ToAsyncEnumerable();

        public IAsyncEnumerable<Report> ReadToEndAsync(CancellationToken cancellationToken) => ReadNewAsync(cancellationToken);

        public string? WhyMissing(string metric) => folder.WhyMissing(metric);
    }

    /// <summary>Nothing is looked at: what is reported comes on other ways.</summary>
    private sealed class NoSource(Func<string?> why) : IMetricsSource
    {
        public IAsyncEnumerable<Report> ReadNewAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<Report>();

        public IAsyncEnumerable<Report> ReadToEndAsync(CancellationToken cancellationToken) => ReadNewAsync(cancellationToken);

        public string? WhyMissing(string metric) => why();
    }
}
