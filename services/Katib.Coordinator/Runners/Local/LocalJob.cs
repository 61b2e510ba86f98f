using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Local;

/// <summary>What a run object is on one machine: the primary container's program, without the container.</summary>
/// <param name="CommandLine">The command and its arguments; never empty.</param>
/// <param name="Environment">Names and values in the template's order, the runner's own last; a later one wins.</param>
/// <param name="WorkingDirectory">As the template has it; null when it leaves it to the image.</param>
/// <param name="Deadline">How long the trial may run; null for as long as it likes.</param>
public sealed record LocalJob(
    ImmutableArray<string> CommandLine,
    ImmutableArray<KeyValuePair<string, string>> Environment,
    string? WorkingDirectory,
    TimeSpan? Deadline)
{
    /// <summary>
    /// What stands in the way of running this template as a local process, and what is ignored. Placeholders may
    /// still be in it: it is meant for before the first trial.
    /// </summary>
    public static TemplateCheck Check(
        JsonObject runObject, string primaryContainerName, MetricsCollectorSpec collector)
    {
        var template = LocalRules.Read(runObject, primaryContainerName);
        var problems = template.Problems;
        if (MetricsDirectory.Of(collector) is "/")
        {
            problems = problems.Add(new(
                "metricsCollectorSpec.source.fileSystemPath.path",
                collector.Path,
                "The metrics need a directory of their own, which is replaced by the trial's folder on this "
                    + "machine; choose a path such as /var/log/katib/metrics.log."));
        }

        if (collector.Kind is CollectorKind.Custom)
        {
            problems = problems.Add(new(
                "metricsCollectorSpec.collector.kind",
                "Custom",
                "The collector is a container, and a process of this machine has none beside it; run the experiment with "
                    + "--runner docker, or let the program itself write its metrics for another collector."));
        }

        return new(
            problems,
            [
                .. IgnoredNote(template.Ignored),
                .. template.Problems.IsEmpty ? MetricsNote(template, collector) : [],
            ]);
    }

    /// <summary>Translates a run object that <see cref="Check"/> has found nothing wrong with.</summary>
    /// <remarks>
    /// Kubernetes' order: env may refer to earlier env, command and args to all of it. Katib's metrics directory is
    /// replaced last and once, wherever it came from.
    /// </remarks>
    public static LocalJob Translate(
        JsonObject runObject,
        string primaryContainerName,
        MetricsCollectorSpec collector,
        string trial,
        string metricsDirectory,
        int? metricsPort)
    {
        var template = LocalRules.Read(runObject, primaryContainerName);
        if (!template.Problems.IsEmpty)
        {
            throw new ArgumentException(template.Problems[0].Message, nameof(runObject));
        }

        var katibDirectory = MetricsDirectory.Of(collector);
        KeyValuePair<string, string>[] port = metricsPort is { } number
            ? [new(TemplateProgram.MetricsPortVariable, number.ToString(CultureInfo.InvariantCulture))]
            : [];
        var program = TemplateProgram.Expand(
            template,
            [
                new(TemplateProgram.TrialNameVariable, trial),
                new(TemplateProgram.MetricsDirectoryVariable, katibDirectory),
                .. port,
            ],
            Here);
        return new(
            [.. program.Command, .. program.Arguments],
            [
                .. program.Environment,
                new(TemplateProgram.TrialNameVariable, trial),
                new(TemplateProgram.MetricsDirectoryVariable, metricsDirectory),
                .. port,
            ],
            template.WorkingDirectory is { } directory ? Here(directory) : null,
            template.Deadline);

        string Here(string text) => MetricsDirectory.Replace(text, katibDirectory, metricsDirectory);
    }

    private static IEnumerable<string> IgnoredNote(ImmutableArray<string> ignored)
    {
        if (!ignored.IsEmpty)
        {
            var verb = ignored.Length is 1 ? "is" : "are";
            yield return $"On this machine {string.Join(", ", ignored)} {verb} ignored: "
                + "the primary container's command runs here as a process.";
        }
    }

    /// <summary>A program cannot know by itself where here its metrics file is to be, or its metrics page.</summary>
    private static IEnumerable<string> MetricsNote(RunObjectTemplate template, MetricsCollectorSpec collector)
    {
        var directory = MetricsDirectory.Of(collector);
        string[] texts = [.. template.CommandLine, .. template.Environment.Select(static variable => variable.Value)];
        if (collector.Page is { Port: var written } && !texts.Any(NamesPort))
        {
            yield return "Neither command, args nor env name the port of the metrics: trials share this machine's ports, so that "
                + $"the program must listen on the one that {TemplateProgram.MetricsPortVariable} names, in place of {written}.";
        }

        if (collector.HasFiles && !texts.Any(NamesDirectory))
        {
            var file = collector.Kind is CollectorKind.File ? $"to {MetricsDirectory.FileOf(collector)} in" : "to";
            yield return $"Neither command, args nor env name {directory}: on this machine the program must write "
                + $"its metrics {file} the directory that {TemplateProgram.MetricsDirectoryVariable} names.";
        }

        bool NamesDirectory(string text) => MetricsDirectory.IsNamedIn(text, directory)
            || text.Contains(TemplateProgram.MetricsDirectoryVariable, StringComparison.Ordinal);

        static bool NamesPort(string text) => text.Contains(TemplateProgram.MetricsPortVariable, StringComparison.Ordinal);
    }
}
