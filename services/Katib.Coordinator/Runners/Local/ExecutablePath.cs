namespace Katib.Coordinator.Runners.Local;

/// <summary>Finds commands as a shell does.</summary>
internal static class ExecutablePath
{
    private const UnixFileMode AnyExecute =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Where this process looks for commands.</summary>
    public static string Own => Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin";

    /// <summary>A path with a slash in it that starts the command; null when there is none.</summary>
    /// <remarks>A command with a slash is a path already, relative to <paramref name="directory"/>.</remarks>
    public static string? Find(string command, string searchPath, string directory)
    {
        if (command.Contains('/', StringComparison.Ordinal))
        {
            return IsExecutable(Path.GetFullPath(command, directory)) ? command : null;
        }

        return searchPath.Split(':')
            .Select(entry => Path.Combine(Path.GetFullPath(entry.Length is 0 ? "." : entry, directory), command))
            .FirstOrDefault(IsExecutable);
    }

    private static bool IsExecutable(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & AnyExecute) is not 0;
}
