using System.ComponentModel;
using System.Diagnostics;
using Xunit.Sdk;

namespace Katib.Containers.Tests;

/// <summary>What a finished command has said.</summary>
internal sealed record Said(string CommandLine, int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test with all that was said unless the exit code is the expected one.</summary>
    public Said Expect(int exitCode) => ExitCode == exitCode
        ? this
        : throw new XunitException($"{CommandLine}: exit code {ExitCode} where {exitCode} was expected.\n{Output}\n{Error}");
}

/// <summary>Programs as a user runs them, in the root of the repository.</summary>
internal static class Command
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    /// <summary>The repository that the tests were built from.</summary>
    public static string Repository { get; } = RepositoryAbove(AppContext.BaseDirectory);

    /// <summary>Whether there is such a program.</summary>
    public static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)));

    public static Task<Said> RunAsync(string program, params IEnumerable<string> arguments) =>
        RunAsync(new Dictionary<string, string>(), program, arguments);

    public static async Task<Said> RunAsync(
        IReadOnlyDictionary<string, string> environment, string program, params IEnumerable<string> arguments)
    {
        using var process = Start(environment, program, arguments);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var line = $"{program} {string.Join(' ', arguments)}";
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new(line, process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new XunitException($"Waited {Patience.TotalMinutes} min in vain for the end of: {line}");
        }
    }

    public static Process Start(
        IReadOnlyDictionary<string, string> environment, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Repository,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start) ?? throw new Win32Exception($"Could not start {program}.");
    }

    private static string RepositoryAbove(string folder) =>
        File.Exists(Path.Combine(folder, "global.json"))
            ? folder
            : RepositoryAbove(Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("No global.json above the tests."));
}
