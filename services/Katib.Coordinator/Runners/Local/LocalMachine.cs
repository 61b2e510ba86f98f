using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Runners.Local;

/// <summary>What can be said of a template on this very machine before the first trial.</summary>
public static class LocalMachine
{
    /// <summary>The working directory and the command, as far as no placeholder leaves them open.</summary>
    /// <remarks>For templates that <see cref="LocalJob.Check"/> accepts.</remarks>
    public static ImmutableArray<Problem> Check(
        JsonObject runObject, string primaryContainerName, string workingDirectory)
    {
        var template = LocalJobReader.Read(runObject, primaryContainerName);
        if (!template.Problems.IsEmpty || IsOpen(template.WorkingDirectory))
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
            : [new($"{template.CommandField}[0]", command, LocalProgram.CommandProblem(command, searchPath, directory))];
    }

    private static bool IsOpen(string? text) => text?.Contains('$', StringComparison.Ordinal) is true;
}
