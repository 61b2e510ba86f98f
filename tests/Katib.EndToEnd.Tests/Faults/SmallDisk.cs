using System.ComponentModel;
using System.Diagnostics;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>A file system of a few megabytes, which takes the rights to mount one.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    private string Filler => Path.Combine(_folder, "filler");

    /// <summary>Skips the test where nothing may be mounted.</summary>
    public static async Task<SmallDisk> MountAsync(string folder)
    {
        Assert.SkipUnless(await DoAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder), "No file system may be mounted here.");
        return new(folder);
    }

    /// <summary>Writes until there is no room.</summary>
    public void Fill()
    {
        using var file = File.Create(Filler, bufferSize: 0);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public void Empty() => File.Delete(Filler);

    public void Dispose() => DoAsync("umount", "--lazy", _folder).GetAwaiter().GetResult();

    private static async Task<bool> DoAsync(params string[] command)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode is 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
