using System.Diagnostics;
using System.Runtime.InteropServices;
using Katib.Driver;

namespace Katib.Hosting.Tests;

/// <summary>The classes whose tests share the native binaries, and run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class SharedNativeServices : ICollectionFixture<NativeServices>
{
    public const string Name = "native services";
}

/// <summary>The services compiled to native binaries, once for all tests that call them.</summary>
public sealed class NativeServices : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-native-").FullName;
    private readonly Dictionary<string, string> _output = [];

    /// <summary>Why there are none here; null where there are.</summary>
    public static string? Missing { get; } =
        !OperatingSystem.IsLinux() ? "Native binaries are tested on Linux."
        : !IsOnPath("clang") ? "The native compiler links with clang, which is not installed."
        : null;

    public async ValueTask InitializeAsync()
    {
        if (Missing is null)
        {
            await PublishAsync("Random");
            await PublishAsync("Grid");
            await PublishAsync("Bayesian");
        }
    }

    /// <summary>What the compiler has said.</summary>
    public string OutputOf(string service) => _output[service];

    /// <summary>The folder that holds a service and nothing else.</summary>
    public string FolderOf(string service) => Path.Combine(_folder, service);

    public Task<ProcessReplica> StartAsync(
        string service, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken) =>
        ProcessReplica.StartAsync(
            Path.Combine(FolderOf(service), $"Katib.Suggestion.{service}"), [], environment, cancellationToken);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>With folders of its own, so that it does not disturb a build of the repository.</summary>
    private async Task PublishAsync(string service)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "publish", Path.Combine("services", $"Katib.Suggestion.{service}"), "-c", "Release",
            "-r", RuntimeInformation.RuntimeIdentifier, "--artifacts-path", Path.Combine(_folder, "artifacts"),
            "-o", Path.Combine(_folder, service), "--disable-build-servers", "-p:RunAnalyzers=false",
        ])
        {
            WorkingDirectory = Programs.Repository,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var publish = Process.Start(start)!;
        var output = publish.StandardOutput.ReadToEndAsync();
        var error = publish.StandardError.ReadToEndAsync();
        await publish.WaitForExitAsync();
        _output[service] = $"{await output}{await error}";
        Assert.True(publish.ExitCode is 0, $"Publishing {service} has failed: {_output[service]}");
    }
}
