using System.Diagnostics;

namespace Katib.Benchmarks;

/// <summary>The published programs, as users run them.</summary>
internal sealed class Programs(string? given) : IDisposable
{
    private readonly HashSet<string> _published = new(StringComparer.Ordinal);
    private readonly string _scratch = Directory.CreateTempSubdirectory("katib-bench-").FullName;

    /// <summary>A folder of this run alone.</summary>
    public string Scratch => _scratch;

    /// <summary>The <c>katib</c> program.</summary>
    public Task<string> KatibAsync() => FindAsync("Katib.Cli", "katib");

    /// <summary>A native service, for instance <c>Random</c>.</summary>
    public Task<string> ServiceAsync(string algorithm) =>
        FindAsync($"Katib.Suggestion.{algorithm}", $"Katib.Suggestion.{algorithm}");

    /// <summary>Runs a program to its end without showing what it says.</summary>
    /// <returns>How long it took from its start, in milliseconds.</returns>
    public static async Task<double> TimeAsync(string program, params string[] arguments)
    {
        var begun = Stopwatch.GetTimestamp();
        using var process = StartQuietly(program, arguments);
        await process.WaitForExitAsync();
        var elapsed = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        return process.ExitCode is 0
            ? elapsed
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}.");
    }

    /// <summary>Starts a program whose output goes nowhere, read as fast as it comes.</summary>
    public static Process StartQuietly(string program, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        return process;
    }

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    private async Task<string> FindAsync(string project, string file)
    {
        var repository = Repository.Folder;
        var path = Path.Combine(
            given ?? Path.Combine(repository, "artifacts", "publish"), project, "release_linux-x64", file);
        if (given is null && _published.Add(project))
        {
            Console.WriteLine($"\npublishing {project}");
            string[] arguments =
                ["publish", Path.Combine(repository, "services", project), "-c", "Release", "-r", "linux-x64", "--self-contained", "false"];
            if (project.StartsWith("Katib.Suggestion", StringComparison.Ordinal))
            {
                arguments = arguments[..^2];
            }

            _ = await TimeAsync("dotnet", arguments);
        }

        return File.Exists(path) ? path : throw new FileNotFoundException($"There is no '{path}'; leave --bin out to publish it.");
    }
}
