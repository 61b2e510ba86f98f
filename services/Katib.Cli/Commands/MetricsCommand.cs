using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Metrics.Events;
using Katib.Coordinator.Metrics.Exposition;

namespace Katib.Cli.Commands;

/// <summary><c>katib metrics test</c>: what a metrics collector finds in a log, in event files or in a page of metrics, and why not the rest.</summary>
internal static class MetricsCommand
{
    private const string PrometheusFormat = "PROMETHEUS";

    public static Command Create()
    {
        var file = new Argument<FileInfo?>("file")
        {
            Description = "The Experiment whose metrics and collector count; or name them by options",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var names = new Option<string[]>("--metric") { Description = "A metric's name, the objective's first; more than once for more" };
        var filters = new Option<string[]>("--filter") { Description = "A filter with two groups, name and value (RE2)" };
        var format = CommonOptions.OneOf("--format", [], "TEXT, JSON or, for a page in its format, PROMETHEUS", "TEXT", "TEXT", "JSON", PrometheusFormat);
        var events = new Option<DirectoryInfo>("--events")
        {
            Description = "The folder with the event files of TensorFlow or PyTorch, in place of a log",
        };
        var test = new Command("test", "Read a log, or a page of metrics, from stdin: every value found, and why others were not. `katib metrics test digits.yaml < train.log`")
        {
            file, names, filters, format, events,
        };
        test.RefuseServer();
        test.Validators.Add(result =>
        {
            var isGiven = result.GetResult(file) is { Implicit: false, Tokens.Count: > 0 };
            var isNamed = result.GetValue(names)?.Any(static n => n.Length > 0) is true;
            if (isGiven == isNamed)
            {
                result.AddError("Name the Experiment's file, or the metrics by --metric NAME.");
            }
            else if (isGiven && (result.GetResult(filters) is not null || result.GetResult(format) is { Implicit: false }))
            {
                result.AddError("The Experiment says by which filters and format its metrics are found; leave out --filter and --format.");
            }
            else if (result.GetResult(events) is not null && (result.GetResult(filters) is not null || result.GetResult(format) is { Implicit: false }))
            {
                result.AddError("Event files have neither filters nor a format; leave out --filter and --format.");
            }
        });
        test.SetAction((parsed, _) =>
        {
            var folder = parsed.GetValue(events);
            var (collector, metrics) = parsed.GetValue(file) is { } manifest
                ? Of(manifest)
                : (
                    folder is null
                        ? Of(parsed.GetRequiredValue(format), [.. parsed.GetValue(filters) ?? []])
                        : new(CollectorKind.TensorFlowEvent, folder.FullName, MetricsFormat.Text, []),
                    [.. parsed.GetRequiredValue(names).Where(static n => n.Length > 0).Distinct()]);
            return Task.FromResult((collector.Kind, folder) switch
            {
                (CollectorKind.TensorFlowEvent, { } given) => Run(given, collector, metrics, Console.Out),
                (CollectorKind.TensorFlowEvent, null) => throw new UserException(
                    "This experiment's metrics are in event files; name the folder that has them with --events."),
                (_, not null) => throw new UserException(
                    $"This experiment's metrics are not in event files: its collector is {collector.Kind}. Leave out --events."),
                (CollectorKind.PrometheusMetric, _) => RunPage(metrics, Console.In, Console.Out),
                (CollectorKind.Push or CollectorKind.Custom or CollectorKind.None, _) => throw new UserException(
                    $"With this experiment's collector, {collector.Kind}, katib itself looks for nothing."),
                _ => Run(new(collector, metrics), metrics, Console.In, Console.Out),
            });
        });
        return new("metrics", "Try out where a trial's metrics come from.") { test };
    }

    private static (MetricsCollectorSpec Collector, ImmutableArray<string> Names) Of(FileInfo file)
    {
        var parsed = ExperimentYaml.Parse(ManifestFile.Text(file));
        foreach (var problem in parsed.Problems)
        {
            Console.Error.WriteLine(problem.In(file.ToString()));
        }

        return parsed.Spec is { } spec
            ? (spec.MetricsCollector, spec.Objective.AllMetricNames)
            : throw new UserException($"'{file}' is no Experiment that could run.");
    }

    private static MetricsCollectorSpec Of(string format, ImmutableArray<string> filters)
    {
        if (format is not "TEXT" && !filters.IsEmpty)
        {
            throw new UserException($"--filter has no effect with --format {format}; remove it.");
        }

        foreach (var filter in filters)
        {
            if (!MetricFilter.TryRead(filter, out _, out var problem))
            {
                throw new UserException($"--filter '{filter}' is no filter. {problem}");
            }
        }

        return new(
            format is PrometheusFormat ? CollectorKind.PrometheusMetric : CollectorKind.StdOut,
            "",
            format is "JSON" ? MetricsFormat.Json : MetricsFormat.Text,
            filters);
    }

    private static int Run(
        DirectoryInfo folder, MetricsCollectorSpec collector, ImmutableArray<string> names, TextWriter output)
    {
        if (!folder.Exists)
        {
            throw new UserException($"There is no folder '{folder}'.");
        }

        var events = new EventFolder(folder.FullName, collector.Path, names);
        var found = new Found(names);
        foreach (var (file, points) in events.ReadNew())
        {
            foreach (var point in points)
            {
                found.Add(point);
                output.WriteLine(FormattableString.Invariant($"{file}: step {point.Step}: {Text(point)}"));
            }
        }

        return found.Sum(output, metric => events.WhyMissing(metric));
    }

    private static int RunPage(ImmutableArray<string> names, TextReader page, TextWriter output)
    {
        var metrics = new ExpositionMetrics(names);
        var found = new Found(names);
        foreach (var point in metrics.Parse(page.ReadToEnd()))
        {
            found.Add(point);
            output.WriteLine(Text(point));
        }

        if (metrics.FirstBadLine is { } bad)
        {
            output.WriteLine(FormattableString.Invariant($"Line {bad.Line} {bad.Message}"));
        }

        return found.Sum(output, metrics.WhyMissing);
    }

    private static int Run(MetricsParser parser, ImmutableArray<string> names, TextReader log, TextWriter output)
    {
        var found = new Found(names);
        var number = 0L;
        while (log.ReadLine() is { } line)
        {
            number++;
            foreach (var point in parser.Parse(line))
            {
                found.Add(point);
                output.WriteLine(FormattableString.Invariant($"line {number}: {Text(point)}"));
            }
        }

        foreach (var bad in parser.BadLines.Concat(parser.Unmatched).OrderBy(static b => b.Line))
        {
            output.WriteLine(FormattableString.Invariant($"line {bad.Line}: {bad.Message}"));
        }

        if (parser.BadLineCount > parser.BadLines.Length)
        {
            output.WriteLine(FormattableString.Invariant($"{parser.BadLineCount - parser.BadLines.Length} more lines could not be read."));
        }

        if (!parser.NearMisses.IsEmpty)
        {
            output.WriteLine($"Other names with values: {string.Join(", ", parser.NearMisses)}.");
        }

        return found.Sum(
            output, metric => NearestName.Of(metric, parser.NearMisses) is { } near ? $"Did you mean '{near}'?" : null);
    }

    private static string Text(MetricPoint point)
    {
        var time = point.Time is { } at ? $" at {at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}" : "";
        return $"{point.Metric} = {point.Value}{time}";
    }

    /// <summary>What was found so far, metric by metric.</summary>
    private sealed class Found(ImmutableArray<string> names)
    {
        private readonly Dictionary<string, long> _counts = names.ToDictionary(static name => name, static _ => 0L, StringComparer.Ordinal);
        private Observation _observation = Observation.Of(names);

        public void Add(MetricPoint point)
        {
            _observation = _observation.Add(point);
            _counts[point.Metric]++;
        }

        /// <summary>Writes a line for each metric; the exit code says whether the objective's was found.</summary>
        public int Sum(TextWriter output, Func<string, string?> whyMissing)
        {
            output.WriteLine();
            foreach (var metric in _observation.Metrics)
            {
                output.WriteLine(_counts[metric.Name] is var count and > 0
                    ? FormattableString.Invariant($"{metric.Name}: {count} found, min {metric.Min}, max {metric.Max}, latest {metric.Latest}")
                    : whyMissing(metric.Name) is { } why ? $"{metric.Name}: not found. {why}" : $"{metric.Name}: not found.");
            }

            return _counts[names[0]] > 0 ? ExitCodes.Success : ExitCodes.Failure;
        }
    }
}
