using System.ComponentModel;
using System.Diagnostics;

namespace Katib.Driver;

/// <summary>The docker command.</summary>
public static class DockerCommand
{
    private static readonly Lazy<string?> Found = new(Find);

    /// <summary>Why nothing can be run with Docker here; null where it can.</summary>
    public static string? Missing => Found.Value;

    /// <summary>Runs one command of docker to its end.</summary>
    /// <returns>What it printed, without the last line break.</returns>
    public static async Task<string> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode is 0
            ? (await output).TrimEnd()
            : throw new InvalidOperationException(
                $"docker {string.Join(' ', arguments)}: exit code {process.ExitCode}.\n{await output}\n{await error}");
    }

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("docker", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static string? Find()
    {
        try
        {
            using var process = Start(["info"]);
            _ = process.StandardOutput.ReadToEnd();
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode is 0 ? null : $"Docker does not answer: {error.Trim()}";
        }
        catch (Win32Exception)
        {
            return "Docker is not installed.";
        }
    }
}
