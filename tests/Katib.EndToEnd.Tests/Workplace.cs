using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit.Sdk;

namespace Katib.EndToEnd.Tests;

/// <summary>What a finished command has said.</summary>
internal sealed record Said(int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test with all that was said unless the exit code is the expected one.</summary>
    public Said Expect(int exitCode) => ExitCode == exitCode
        ? this
        : throw new XunitException($"Exit code {ExitCode} where {exitCode} was expected.\n{Output}\n{Error}");
}

/// <summary>A folder of its own, in which <c>katib</c> is run as a user runs it.</summary>
internal sealed class Workplace : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public string Folder { get; } = Directory.CreateTempSubdirectory("katib-e2e-").FullName;

    /// <summary>The repository that the tests were built from.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Variables that programs are started with, over those of the tests.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    public string PathOf(string name) => Path.Combine(Folder, name);

    public void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    /// <summary>Runs <c>katib</c> to its end.</summary>
    public Task<Said> KatibAsync(params string[] arguments) => EndAsync("katib.dll", arguments);

    /// <summary>The same with something to read from stdin.</summary>
    public async Task<Said> KatibReadingAsync(string input, params string[] arguments)
    {
        var start = Command(new Dictionary<string, string>(), "katib.dll", arguments);
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        return await EndAsync(process);
    }

    /// <summary>Runs a program that lies beside the tests to its end.</summary>
    public async Task<Said> EndAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        return await EndAsync(process);
    }

    /// <summary>Starts a program that lies beside the tests.</summary>
    public Process Start(string program, params string[] arguments) =>
        Start(new Dictionary<string, string>(), program, arguments);

    /// <summary>The same with variables of the test's.</summary>
    public Process Start(IReadOnlyDictionary<string, string> environment, string program, params string[] arguments) =>
        Process.Start(Command(environment, program, arguments))!;

    private ProcessStartInfo Command(IReadOnlyDictionary<string, string> environment, string program, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments])
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var (name, value) in Environment.Concat(environment))
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <summary>Waits for a program's end and returns what it said.</summary>
    public static async Task<Said> EndAsync(Process process)
    {
        using var patience = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return new(process.ExitCode, await output, await error);
    }

    /// <summary>
    /// Stops a process as Ctrl-C does; by SIGTERM where SIGINT is ignored, as in all that a script runs in the background.
    /// </summary>
    public static Task InterruptAsync(Process process) => SignalAsync(process, IgnoresInterrupts() ? "TERM" : "INT");

    /// <summary>Whether SIGINT, number 2, is in the mask of ignored signals that processes inherit.</summary>
    private static bool IgnoresInterrupts()
    {
        const string Field = "SigIgn:";
        const string Status = "/proc/self/status";
        var line = File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(static l => l.StartsWith(Field, StringComparison.Ordinal))
            : null;
        return line is not null && (Convert.ToUInt64(line[Field.Length..].Trim(), 16) & 2) is not 0;
    }

    /// <summary>Sends a signal by name, for instance KILL.</summary>
    public static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>A port that nobody listens on just now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The processes whose environment says that they belong to trials of this workplace.</summary>
    public IReadOnlyList<string> TrialProcesses() =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Where(static d => int.TryParse(Path.GetFileName(d), out _))
            .Where(d => ReadOrEmpty(Path.Combine(d, "environ")).Contains($"KATIB_TRIAL_DIR={Folder}", StringComparison.Ordinal))
            .Select(static d => ReadOrEmpty(Path.Combine(d, "cmdline")).Replace('\0', ' ')),
    ];

    /// <summary>Waits until something holds.</summary>
    public static Task UntilAsync(string what, Func<bool> holds) => UntilAsync(what, () => Task.FromResult(holds()));

    /// <summary>Waits until something holds that takes a moment to find out.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await holds())
        {
            try
            {
                await Task.Delay(20, patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new XunitException($"Waited in vain until {what}.");
            }
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "global.json")))
        {
            folder = folder.Parent ?? throw new XunitException("The tests do not lie in their repository.");
        }

        return folder.FullName;
    }
}
