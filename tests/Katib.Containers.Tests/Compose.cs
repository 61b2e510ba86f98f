using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Katib.Driver;

namespace Katib.Containers.Tests;

/// <summary>docker-compose.yml of the repository, under a project name of its own.</summary>
internal sealed class Compose(string project, params string[] files)
{
    /// <summary>What every image of the tests says about where it comes from: the same for all, so that builds are shared.</summary>
    public const string Revision = "0000000000000000000000000000000000000001";

    /// <summary>The variables that its files are filled in with.</summary>
    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal)
    {
        ["REVISION"] = Revision,
        ["KATIB_TAG"] = "test",
        ["KATIB_PORT"] = FreePort().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Why there is nothing to compose with here; null where there is.</summary>
    public static string? Missing =>
        DockerCommand.Missing ?? (Program is null ? "Neither docker compose nor docker-compose is installed." : null);

    /// <summary>The label that compose puts on all that is this project's.</summary>
    public string Label => $"com.docker.compose.project={project}";

    private static string[]? Program { get; } = Find();

    /// <summary>Runs a command of compose.</summary>
    public Task<Said> RunAsync(params string[] arguments) => Command.RunAsync(
        Environment,
        Program![0],
        [.. Program[1..], "--project-name", project, .. files.SelectMany(static f => new[] { "--file", f }), .. arguments]);

    /// <summary>The container of a service.</summary>
    public async Task<string> ContainerAsync(string service) =>
        (await RunAsync("ps", "--quiet", service)).Expect(0).Output.Trim();

    private static string[]? Find() =>
        Runs("docker", "compose", "version") ? ["docker", "compose"]
        : Command.Exists("docker-compose") ? ["docker-compose"]
        : null;

    private static bool Runs(string program, params string[] arguments)
    {
        if (!Command.Exists(program))
        {
            return false;
        }

        using var process = Command.Start(new Dictionary<string, string>(), program, arguments);
        process.WaitForExit();
        return process.ExitCode is 0;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
