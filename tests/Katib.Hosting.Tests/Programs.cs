using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Katib.Driver;

namespace Katib.Hosting.Tests;

/// <summary>The programs under test, as they lie in the repository.</summary>
internal static class Programs
{
    /// <summary>The root of the repository.</summary>
    public static string Repository { get; } = RepositoryAbove(AppContext.BaseDirectory);

    /// <summary>The service of random search, built along with these tests.</summary>
    public static string RandomService { get; } = Path.Combine(
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Katib.Suggestion.Random")),
        Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)),
        "Katib.Suggestion.Random.dll");

    /// <summary>Starts the service of random search as a process.</summary>
    public static Task<ProcessReplica> StartRandomServiceAsync(CancellationToken cancellationToken) =>
        ProcessReplica.StartAsync("dotnet", [RandomService], new Dictionary<string, string>(), cancellationToken);

    /// <summary>A port that nobody listens on just now.</summary>
    public static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    private static string RepositoryAbove(string folder) =>
        File.Exists(Path.Combine(folder, "global.json"))
            ? folder
            : RepositoryAbove(Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("No global.json above the tests."));
}
