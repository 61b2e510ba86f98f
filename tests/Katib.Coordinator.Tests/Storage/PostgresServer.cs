using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>A PostgreSQL server of this machine's own installation, on a free loopback port.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Host = "127.0.0.1";
    private const string User = "postgres";
    private const string Password = "a secret";

    /// <summary>Not root, which PostgreSQL refuses; the account comes with the package.</summary>
    private static readonly string[] AsServer =
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

    private readonly string _folder = Directory.CreateTempSubdirectory("katib-postgres-").FullName;
    private readonly string? _programs = FindPrograms();
    private readonly int _port = FindPort();
    private int _databases;

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A new, empty database, as an address with the password. Skips the test where PostgreSQL is not installed.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        Assert.SkipWhen(_programs is null, "PostgreSQL is not installed here.");
        if (!Directory.Exists(Data))
        {
            await InitializeAsync();
        }

        var name = $"katib-{++_databases}";
        await RunAsync(
            "env", $"PGPASSWORD={Password}", Path.Combine(_programs, "createdb"), $"--host={Host}", $"--port={_port}",
            $"--username={User}", name);
        return $"postgres://{User}:{Uri.EscapeDataString(Password)}@{Host}:{_port}/{name}";
    }

    private async Task InitializeAsync()
    {
        var password = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(password, Password);
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", "-R", "postgres:postgres", _folder);
        }

        await RunAsync([
            .. AsServer, Path.Combine(_programs!, "initdb"), "--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            $"--username={User}", $"--pwfile={password}", "-D", Data]);
        await StartAgainAsync();
    }

    /// <summary>Ends the server as an administrator in a hurry does: sessions are cut off.</summary>
    public Task StopAsync() => ControlAsync("stop", "-m", "fast");

    /// <summary>Starts it again, with all that it had.</summary>
    public Task StartAgainAsync() => ControlAsync(
        "start", "-l", Path.Combine(_folder, "log"), "-o", $"-p {_port} -c listen_addresses={Host} -k {_folder} -c fsync=off");

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            await ControlAsync("stop", "-m", "immediate");
        }

        Directory.Delete(_folder, recursive: true);
    }

    private Task ControlAsync(string action, params string[] options) => RunAsync(
        [.. AsServer, Path.Combine(_programs!, "pg_ctl"), action, "--wait", "-D", Data, .. options]);

    /// <summary>Debian keeps them out of the path, by version.</summary>
    private static string? FindPrograms()
    {
        const string Versions = "/usr/lib/postgresql";
        var versions = Directory.Exists(Versions) ? Directory.EnumerateDirectories(Versions) : [];
        return versions
            .Order(StringComparer.Ordinal)
            .Select(static version => Path.Combine(version, "bin"))
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            .FirstOrDefault(static folder => File.Exists(Path.Combine(folder, "initdb")));
    }

    private static int FindPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task RunAsync(params string[] command)
    {
        // Not redirected: the server would keep the pipes open.
        var start = new ProcessStartInfo("sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", .. command])
        {
            WorkingDirectory = Path.GetTempPath(),
        };
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode is 0, $"{string.Join(' ', command)} ended with {process.ExitCode}.");
    }
}
