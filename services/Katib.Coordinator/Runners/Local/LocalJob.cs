using System.Collections.Immutable;
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

        return new(problems, [.. IgnoredNote(template.Ignored), .. MetricsFileNote(template, collector)]);
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
        string metricsDirectory)
    {
        var template = LocalRules.Read(runObject, primaryContainerName);
        if (!template.Problems.IsEmpty)
        {
            throw new ArgumentException(template.Problems[0].Message, nameof(runObject));
        }

        var katibDirectory = MetricsDirectory.Of(collector);
        var program = TemplateProgram.Expand(
            template,
            [
                new(TemplateProgram.TrialNameVariable, trial),
                new(TemplateProgram.MetricsDirectoryVariable, katibDirectory),
            ],
            Here);
        return new(
            [.. program.Command, .. program.Arguments],
            [
                .. program.Environment,
                new(TemplateProgram.TrialNameVariable, trial),
                new(TemplateProgram.MetricsDirectoryVariable, metricsDirectory),
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

    /// <summary>A program that writes to Katib's path by itself cannot know that it is elsewhere here.</summary>
    private static IEnumerable<string> MetricsFileNote(RunObjectTemplate template, MetricsCollectorSpec collector)
    {
        var directory = MetricsDirectory.Of(collector);
        var texts = template.CommandLine.Concat(template.Environment.Select(static variable => variable.Value));
        if (collector.Kind.HasDirectory() && template.Problems.IsEmpty && !texts.Any(Names))
        {
            var file = collector.Kind is CollectorKind.File ? $"to {MetricsDirectory.FileOf(collector)} in" : "to";
            yield return $"Neither command, args nor env name {directory}: on this machine the program must write "
                + $"its metrics {file} the directory that {TemplateProgram.MetricsDirectoryVariable} names.";
        }

        bool Names(string text) => MetricsDirectory.IsNamedIn(text, directory)
            || text.Contains(TemplateProgram.MetricsDirectoryVariable, StringComparison.Ordinal);
    }
}
