using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Local;

/// <summary>What can be said of a template on this very machine before the first trial.</summary>
public static class LocalMachine
{
    private static readonly string[] Shells = ["sh", "bash", "dash", "ash", "ksh", "zsh"];

    /// <summary>The folder, the working directory and the command, as far as no placeholder leaves them open.</summary>
    /// <remarks>For templates that <see cref="LocalJob.Check"/> accepts.</remarks>
    public static ImmutableArray<Problem> Check(
        JsonObject runObject,
        string primaryContainerName,
        MetricsCollectorSpec collector,
        ProcessRunnerOptions options)
    {
        var template = LocalRules.Read(runObject, primaryContainerName);
        return template.Problems.IsEmpty
            ? [
                .. FolderProblems(template, collector, Path.GetFullPath(options.Folder)),
                .. CommandProblems(template, options.WorkingDirectory),
            ]
            : [];
    }

    /// <summary>A shell script that names Katib's directory without quotes, where our own needs them.</summary>
    internal static IEnumerable<Problem> FolderProblems(
        RunObjectTemplate template, MetricsCollectorSpec collector, string folder)
    {
        var directory = MetricsDirectory.Of(collector);
        if (Shells.Contains(Path.GetFileName(template.CommandLine[0]))
            && template.CommandLine.Any(text => MetricsDirectory.FallsApartIn(text, directory, folder)))
        {
            yield return new(
                template.CommandField,
                "",
                $"The script names {directory} without quotes, and the folder '{folder}' that takes its place here has "
                    + "a character that a shell would act on; put the path in quotes, or keep the store elsewhere.");
        }
    }

    private static ImmutableArray<Problem> CommandProblems(RunObjectTemplate template, string workingDirectory)
    {
        if (IsOpen(template.WorkingDirectory))
        {
            return [];
        }

        var directory = Path.GetFullPath(template.WorkingDirectory ?? ".", workingDirectory);
        if (LocalProgram.DirectoryProblem(directory) is { } missing)
        {
            return [new(template.WorkingDirectoryField, template.WorkingDirectory ?? "", missing)];
        }

        var command = template.CommandLine[0];
        var searchPath = template.Environment.LastOrDefault(static variable => variable.Key is "PATH").Value
            ?? ExecutablePath.Own;
        return IsOpen(command) || IsOpen(searchPath) || ExecutablePath.Find(command, searchPath, directory) is not null
            ? []
            :
            [
                new(
                    $"{template.CommandField}[0]",
                    command,
                    LocalProgram.CommandProblem(command, searchPath, directory)),
            ];
    }

    private static bool IsOpen(string? text) => text?.Contains('$', StringComparison.Ordinal) is true;
}
