using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>A database server of this machine's own installation, on a free loopback port.</summary>
/// <param name="name">What it is called.</param>
/// <param name="account">The account of this machine that comes with the package: such a server refuses to be root's.</param>
public abstract class DatabaseServer(string name, string account) : IAsyncDisposable
{
    protected const string Host = "127.0.0.1";
    protected const string Password = "a secret";

    private bool _isMade;
    private int _databases;

    /// <summary>Where everything of it lies.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("katib-server-").FullName;

    protected string Data => Path.Combine(Folder, "data");

    protected int Port { get; } = FindPort();

    /// <summary>What a command begins with that the server's account gives.</summary>
    protected ImmutableArray<string> AsServer { get; } =
        Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={account}", $"--regid={account}", "--clear-groups", "--"] : [];

    /// <summary>Whether its programs are there.</summary>
    protected abstract bool IsInstalled { get; }

    /// <summary>A new, empty database, as an address with the password. Skips the test where the server is not installed.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        Assert.SkipUnless(IsInstalled, $"{name} is not installed here.");
        if (!_isMade)
        {
            await MakeAsync();
            _isMade = true;
        }

        return await CreateDatabaseAsync($"katib-{++_databases}");
    }

    /// <summary>Ends the server as an administrator in a hurry does: sessions are cut off.</summary>
    public abstract Task StopAsync();

    /// <summary>Ends it as a lack of memory does.</summary>
    public abstract Task CrashAsync();

    /// <summary>Starts it again, with all that it had.</summary>
    public abstract Task StartAgainAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_isMade)
        {
            await CrashAsync();
        }

        Directory.Delete(Folder, recursive: true);
    }

    protected abstract Task InitializeAsync();

    protected abstract Task<string> CreateDatabaseAsync(string database);

    /// <summary>Runs a command to its end; what it starts may live on.</summary>
    protected static async Task RunAsync(params string[] command)
    {
        var exitCode = await TryAsync(command);
        Assert.True(exitCode is 0, $"{string.Join(' ', command)} ended with {exitCode}.");
    }

    protected static async Task<int> TryAsync(params string[] command)
    {
        // Not redirected: the server would keep the pipes open.
        var start = new ProcessStartInfo("sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", .. command])
        {
            WorkingDirectory = Path.GetTempPath(),
        };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private async Task MakeAsync()
    {
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", $"{account}:{account}", Folder);
        }

        await InitializeAsync();
        await StartAgainAsync();
    }

    private static int FindPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
