using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

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
    /// <summary>Bears the trial's name, as in Katib's containers.</summary>
    public const string TrialNameVariable = "KATIB_TRIAL_NAME";

    /// <summary>Bears the directory in which the trial's metrics file is looked for.</summary>
    public const string MetricsDirectoryVariable = "KATIB_METRICS_DIR";

    /// <summary>
    /// What stands in the way of running this template as a local process, and what is ignored. Placeholders may
    /// still be in it: it is meant for before the first trial.
    /// </summary>
    public static LocalJobCheck Check(
        JsonObject runObject, string primaryContainerName, MetricsCollectorSpec collector)
    {
        var template = LocalJobReader.Read(runObject, primaryContainerName);
        var problems = template.Problems;
        if (MetricsDirectory.Of(collector) is "/")
        {
            problems = problems.Add(new(
                "metricsCollectorSpec.source.fileSystemPath.path",
                collector.Path,
                "The metrics file needs a directory of its own, which is replaced by the trial's folder on this "
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
        var template = LocalJobReader.Read(runObject, primaryContainerName);
        if (!template.Problems.IsEmpty)
        {
            throw new ArgumentException(template.Problems[0].Message, nameof(runObject));
        }

        var katibDirectory = MetricsDirectory.Of(collector);
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [TrialNameVariable] = trial,
            [MetricsDirectoryVariable] = katibDirectory,
        };
        var environment = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var (name, value) in template.Environment)
        {
            var expanded = VariableExpansion.Expand(value, variables);
            variables[name] = expanded;
            environment.Add(new(name, Here(expanded)));
        }

        environment.Add(new(TrialNameVariable, trial));
        environment.Add(new(MetricsDirectoryVariable, metricsDirectory));
        return new(
            [.. template.CommandLine.Select(text => Here(VariableExpansion.Expand(text, variables)))],
            environment.DrainToImmutable(),
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
    private static IEnumerable<string> MetricsFileNote(LocalJobTemplate template, MetricsCollectorSpec collector)
    {
        var directory = MetricsDirectory.Of(collector);
        var texts = template.CommandLine.Concat(template.Environment.Select(static variable => variable.Value));
        if (collector.Kind is CollectorKind.File && template.Problems.IsEmpty && !texts.Any(Names))
        {
            yield return $"Neither command, args nor env name {directory}: on this machine the program must write "
                + $"its metrics to {MetricsDirectory.FileOf(collector)} in the directory that "
                + $"{MetricsDirectoryVariable} names.";
        }

        bool Names(string text) => MetricsDirectory.IsNamedIn(text, directory)
            || text.Contains(MetricsDirectoryVariable, StringComparison.Ordinal);
    }
}

/// <summary>What the local runner says of a template before the first trial.</summary>
/// <param name="Problems">Why it cannot run it; empty when it can.</param>
/// <param name="Notes">What the user is to know, a sentence each.</param>
public sealed record LocalJobCheck(ImmutableArray<Problem> Problems, ImmutableArray<string> Notes);
