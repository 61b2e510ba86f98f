using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Metrics;

namespace Katib.Cli.Commands;

/// <summary><c>katib metrics test</c>: what a metrics collector finds in a log, and why it does not find the rest.</summary>
internal static class MetricsCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo?>("file")
        {
            Description = "The Experiment whose metrics and collector count; or name them by options",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var names = new Option<string[]>("--metric") { Description = "A metric's name, the objective's first; more than once for more" };
        var filters = new Option<string[]>("--filter") { Description = "A filter with two groups, name and value (RE2)" };
        var format = CommonOptions.OneOf("--format", [], "TEXT or JSON", "TEXT", "TEXT", "JSON");
        var test = new Command("test", "Read a log from stdin: every value found, and why others were not. `katib metrics test digits.yaml < train.log`")
        {
            file, names, filters, format,
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
        });
        test.SetAction((parsed, _) =>
        {
            var (parser, metrics) = parsed.GetValue(file) is { } manifest
                ? Of(manifest)
                : Of(
                    [.. parsed.GetRequiredValue(names).Where(static n => n.Length > 0).Distinct()],
                    parsed.GetRequiredValue(format) is "JSON" ? MetricsFormat.Json : MetricsFormat.Text,
                    [.. parsed.GetValue(filters) ?? []]);
            return Task.FromResult(Run(parser, metrics, Console.In, Console.Out));
        });
        return new("metrics", "Try out where a trial's metrics come from.") { test };
    }

    private static (MetricsParser Parser, ImmutableArray<string> Names) Of(FileInfo file)
    {
        var parsed = ExperimentYaml.Parse(ManifestFile.Text(file));
        foreach (var problem in parsed.Problems)
        {
            Console.Error.WriteLine(problem.In(file.ToString()));
        }

        return parsed.Spec is { } spec
            ? (new(spec.MetricsCollector, spec.Objective.AllMetricNames), spec.Objective.AllMetricNames)
            : throw new UserException($"'{file}' is no Experiment that could run.");
    }

    private static (MetricsParser Parser, ImmutableArray<string> Names) Of(
        ImmutableArray<string> names, MetricsFormat format, ImmutableArray<string> filters)
    {
        if (format is MetricsFormat.Json && !filters.IsEmpty)
        {
            throw new UserException("--filter has no effect with --format JSON; remove it.");
        }

        foreach (var filter in filters)
        {
            if (!MetricFilter.TryRead(filter, out _, out var problem))
            {
                throw new UserException($"--filter '{filter}' is no filter. {problem}");
            }
        }

        return (new(new(CollectorKind.StdOut, "", format, filters), names), names);
    }

    private static int Run(MetricsParser parser, ImmutableArray<string> names, TextReader log, TextWriter output)
    {
        var observation = Observation.Of(names);
        var counts = names.ToDictionary(static name => name, static _ => 0L, StringComparer.Ordinal);
        var number = 0L;
        while (log.ReadLine() is { } line)
        {
            number++;
            foreach (var point in parser.Parse(line))
            {
                observation = observation.Add(point);
                counts[point.Metric]++;
                var time = point.Time is { } at ? $" at {at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}" : "";
                output.WriteLine(FormattableString.Invariant($"line {number}: {point.Metric} = {point.Value}{time}"));
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

        output.WriteLine();
        foreach (var metric in observation.Metrics)
        {
            output.WriteLine(counts[metric.Name] is var count and > 0
                ? FormattableString.Invariant($"{metric.Name}: {count} found, min {metric.Min}, max {metric.Max}, latest {metric.Latest}")
                : NearestName.Of(metric.Name, parser.NearMisses) is { } near
                    ? $"{metric.Name}: not found; did you mean '{near}'?"
                    : $"{metric.Name}: not found");
        }

        return counts[names[0]] > 0 ? ExitCodes.Success : ExitCodes.Failure;
    }
}
