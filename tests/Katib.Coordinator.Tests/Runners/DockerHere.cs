using System.Diagnostics;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>The Docker of this machine, looked at from outside: by its own command.</summary>
internal static class DockerHere
{
    public const string Image = "busybox:latest";

    private static readonly Lazy<Task<bool>> HasImage = new(static async () =>
    {
        try
        {
            return (await TryAsync("image", "inspect", Image)).ExitCode is 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    public static async ValueTask SkipUnlessThereAsync() =>
        Assert.SkipUnless(await HasImage.Value, $"There is no Docker with the image {Image}.");

    /// <summary>What the command prints.</summary>
    public static async Task<string> AskAsync(params string[] arguments)
    {
        var (exitCode, output) = await TryAsync(arguments);
        Assert.True(exitCode is 0, $"docker {string.Join(' ', arguments)} failed: {output}");
        return output;
    }

    private static async Task<(int ExitCode, string Output)> TryAsync(params string[] arguments)
    {
        using var docker = Process.Start(new ProcessStartInfo("docker", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = docker.StandardError.ReadToEndAsync();
        var output = await docker.StandardOutput.ReadToEndAsync();
        await docker.WaitForExitAsync();
        return (docker.ExitCode, docker.ExitCode is 0 ? output.Trim() : await error);
    }
}
