namespace Katib.Coordinator.Tests.Storage;

/// <summary>A MariaDB server.</summary>
public sealed class MariaDbServer() : DatabaseServer("MariaDB", "mysql")
{
    private const string User = "katib";

    /// <summary>Debian keeps it where only root's path leads.</summary>
    private readonly string? _program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Append("/usr/sbin")
        .Select(static folder => Path.Combine(folder, "mariadbd"))
        .FirstOrDefault(File.Exists);

    protected override bool IsInstalled => _program is not null;

    private string Socket => Path.Combine(Folder, "socket");

    private string ProcessFile => Path.Combine(Folder, "pid");

    public override Task StopAsync() => EndAsync("TERM");

    public override Task CrashAsync() => EndAsync("KILL");

    public override async Task StartAgainAsync()
    {
        // It stays in the foreground, and this shell does not.
        await RunAsync([
            .. AsServer, "sh", "-c", "\"$@\" &", "sh", _program!, "--no-defaults", $"--datadir={Data}", $"--socket={Socket}",
            $"--port={Port}", $"--bind-address={Host}", $"--pid-file={ProcessFile}", $"--log-error={Path.Combine(Folder, "log")}",
            "--skip-name-resolve", "--innodb-buffer-pool-size=32M"]);
        while (await TryAsync([.. AsServer, "mariadb-admin", "--no-defaults", $"--socket={Socket}", "--user=root", "ping"]) is not 0)
        {
            await Task.Delay(50);
        }
    }

    protected override Task InitializeAsync() => RunAsync([
        .. AsServer, "mariadb-install-db", "--no-defaults", $"--datadir={Data}", "--auth-root-authentication-method=normal",
        "--skip-test-db"]);

    /// <remarks>Its character set is not what a store wants, and the account may use nothing else.</remarks>
    protected override async Task<string> CreateDatabaseAsync(string database)
    {
        await RunAsync([
            .. AsServer, "mariadb", "--no-defaults", $"--socket={Socket}", "--user=root",
            $"""
            --execute=CREATE DATABASE `{database}` CHARACTER SET latin1;
            CREATE USER IF NOT EXISTS {User}@'{Host}' IDENTIFIED BY '{Password}';
            GRANT ALL ON `{database}`.* TO {User}@'{Host}'
            """]);
        return $"mysql://{User}:{Uri.EscapeDataString(Password)}@{Host}:{Port}/{database}";
    }

    /// <summary>Ends it, and waits until it is gone and its port is free.</summary>
    private async Task EndAsync(string signal)
    {
        var process = (await File.ReadAllTextAsync(ProcessFile)).Trim();
        await RunAsync("kill", "-s", signal, process);
        while (await TryAsync("kill", "-s", "0", process) is 0)
        {
            await Task.Delay(20);
        }
    }
}
