namespace Katib.Coordinator.Tests.Storage;

/// <summary>A PostgreSQL server.</summary>
public sealed class PostgresServer() : DatabaseServer("PostgreSQL", "postgres")
{
    private const string User = "postgres";

    private readonly string? _programs = FindPrograms();

    protected override bool IsInstalled => _programs is not null;

    public override Task StopAsync() => ControlAsync("stop", "-m", "fast");

    public override Task CrashAsync() => ControlAsync("stop", "-m", "immediate");

    public override Task StartAgainAsync() => ControlAsync(
        "start", "-l", Path.Combine(Folder, "log"), "-o", $"-p {Port} -c listen_addresses={Host} -k {Folder} -c fsync=off");

    protected override async Task InitializeAsync()
    {
        var password = Path.Combine(Folder, "password");
        await File.WriteAllTextAsync(password, Password);
        await RunAsync([
            .. AsServer, Path.Combine(_programs!, "initdb"), "--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            $"--username={User}", $"--pwfile={password}", "-D", Data]);
    }

    protected override async Task<string> CreateDatabaseAsync(string database)
    {
        await RunAsync(
            "env", $"PGPASSWORD={Password}", Path.Combine(_programs!, "createdb"), $"--host={Host}", $"--port={Port}",
            $"--username={User}", database);
        return $"postgres://{User}:{Uri.EscapeDataString(Password)}@{Host}:{Port}/{database}";
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
}
