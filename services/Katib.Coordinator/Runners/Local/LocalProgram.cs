using System.Collections.Immutable;

namespace Katib.Coordinator.Runners.Local;

/// <summary>A job as this machine can start it: command found, directory there, environment whole.</summary>
/// <param name="CommandLine">A path with a slash in it, and the arguments.</param>
/// <param name="WorkingDirectory">An existing directory.</param>
/// <param name="Environment">Everything that the command sees.</param>
internal sealed record LocalProgram(
    ImmutableArray<string> CommandLine, string WorkingDirectory, ImmutableDictionary<string, string> Environment)
{
    /// <summary>Looks the job up on this machine; <paramref name="problem"/> says what is missing.</summary>
    public static LocalProgram? Find(LocalJob job, string workingDirectory, out string problem)
    {
        var environment = Inherited().SetItems(job.Environment);
        var directory = Path.GetFullPath(job.WorkingDirectory ?? ".", workingDirectory);
        if (DirectoryProblem(directory) is { } missing)
        {
            problem = missing;
            return null;
        }

        var command = job.CommandLine[0];
        var searchPath = environment.GetValueOrDefault("PATH", ExecutablePath.Own);
        if (ExecutablePath.Find(command, searchPath, directory) is not { } path)
        {
            problem = CommandProblem(command, searchPath, directory);
            return null;
        }

        problem = "";
        return new([.. CarriedPastTheShell(environment), path, .. job.CommandLine.Skip(1)], directory, environment);
    }

    /// <summary>A sentence when the directory is not there.</summary>
    public static string? DirectoryProblem(string directory) =>
        Directory.Exists(directory)
            ? null
            : $"The working directory '{directory}' does not exist on this machine; create it, or change workingDir.";

    /// <summary>A sentence for a command that was not found.</summary>
    public static string CommandProblem(string command, string searchPath, string directory)
    {
        if (!command.Contains('/', StringComparison.Ordinal))
        {
            return $"The command '{command}' is not on the PATH of this machine ({searchPath}); "
                + "install it, or write its full path.";
        }

        var path = Path.GetFullPath(command, directory);
        return File.Exists(path)
            ? $"The command '{path}' is not executable; run 'chmod +x' on it, or name its interpreter first."
            : $"The command '{path}' does not exist on this machine; check the path, "
                + $"which is relative to '{directory}' when it does not begin with '/'.";
    }

    /// <summary>All variables but the coordinator's settings, among which are its token and its store's password.</summary>
    private static ImmutableDictionary<string, string> Inherited()
    {
        var variables = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            var name = (string)entry.Key;
            if (!name.StartsWith("Coordinator__", StringComparison.OrdinalIgnoreCase) && name is not "KATIB_TOKEN")
            {
                variables[name] = (string?)entry.Value ?? "";
            }
        }

        return variables.ToImmutable();
    }

    /// <summary>Kubernetes allows 'my.flag', a name that some shells do not hand on: env(1) sets it again.</summary>
    private static ImmutableArray<string> CarriedPastTheShell(ImmutableDictionary<string, string> environment)
    {
        var names = environment.Keys.Where(static name => !IsShellName(name)).Order(StringComparer.Ordinal);
        ImmutableArray<string> settings = [.. names.Select(name => $"{name}={environment[name]}")];
        return settings.IsEmpty ? [] : ["/usr/bin/env", .. settings];
    }

    private static bool IsShellName(string name) =>
        !char.IsAsciiDigit(name[0]) && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '_');
}
