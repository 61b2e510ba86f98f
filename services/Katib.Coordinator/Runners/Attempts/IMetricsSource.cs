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
    IEnumerable<Report> ReadNew();

    /// <summary>The same once nothing more is written.</summary>
    IEnumerable<Report> ReadToEnd();

    /// <summary>Why there is no value of a metric so far, as a sentence; null where there is nothing to say.</summary>
    string? WhyMissing(string metric);
}

/// <summary>The sources by the collectors' kinds.</summary>
internal static class MetricsSources
{
    /// <summary>So many files are named where the right one is missing.</summary>
    private const int MostOthers = 3;

    public static IMetricsSource Of(TrialJob job, string path, Func<TrialJob, ILineParser> parsers) => job.Collector.Kind switch
    {
        CollectorKind.TensorFlowEvent => new EventSource(new(path, job.Collector.Path, job.MetricNames)),
        CollectorKind.Push => new NoSource(),
        _ => new LineSource(path, job.Collector, parsers(job)),
    };

    /// <summary>Nothing is to be read.</summary>
    private sealed class NoSource : IMetricsSource
    {
        public IEnumerable<Report> ReadNew() => [];

        public IEnumerable<Report> ReadToEnd() => [];

        public string? WhyMissing(string metric) => null;
    }

    /// <summary>Lines of one file.</summary>
    private sealed class LineSource(string path, MetricsCollectorSpec collector, ILineParser parser) : IMetricsSource
    {
        private readonly FileTail _file = new(path);

        public IEnumerable<Report> ReadNew() => _file.ReadNew().Select(Parse);

        public IEnumerable<Report> ReadToEnd() => _file.ReadToEnd().Select(Parse);

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
        public IEnumerable<Report> ReadNew() => folder.ReadNew().Select(static read => new Report(read.File, read.Points));

        public IEnumerable<Report> ReadToEnd() => ReadNew();

        public string? WhyMissing(string metric) => folder.WhyMissing(metric);
    }
}
