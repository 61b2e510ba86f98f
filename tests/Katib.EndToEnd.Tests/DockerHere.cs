using System.Diagnostics;

namespace Katib.EndToEnd.Tests;

/// <summary>The Docker of this machine, looked at from outside: by its own command.</summary>
internal static class DockerHere
{
    /// <summary>Skips the test where there is no Docker, or none with this image.</summary>
    public static async Task SkipWithoutAsync(string image)
    {
        var isThere = false;
        try
        {
            isThere = (await AskAsync("image", "inspect", image)).ExitCode is 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No such command.
        }

        Assert.SkipUnless(isThere, $"There is no Docker with the image {image}.");
    }

    /// <summary>The containers and volumes of experiments of that name, in whatever state.</summary>
    public static async Task<string> LeftOfAsync(string experiment)
    {
        var filter = $"label=katib.experiment={experiment}";
        var containers = await AskAsync("ps", "--all", "--quiet", "--filter", filter);
        var volumes = await AskAsync("volume", "ls", "--quiet", "--filter", filter);
        return containers.Expect(0).Output + volumes.Expect(0).Output;
    }

    public static async Task<Said> AskAsync(params string[] arguments)
    {
        using var docker = Process.Start(new ProcessStartInfo("docker", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        return await Workplace.EndAsync(docker);
    }
}
