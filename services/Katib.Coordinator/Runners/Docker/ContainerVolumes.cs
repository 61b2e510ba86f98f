using System.Collections.Immutable;
using System.Formats.Tar;
using System.Globalization;
using System.Net;
using Docker.DotNet;
using Docker.DotNet.Models;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Makes the volumes that an attempt has for itself.</summary>
/// <remarks>
/// Docker makes a volume for root, and in Kubernetes an emptyDir is open to all. A container that never runs opens
/// them: it works with a read-only root, with images that have no chmod, and needs no path of the host.
/// </remarks>
internal static class ContainerVolumes
{
    private const UnixFileMode OpenToAll = (UnixFileMode)0x1FF;
    private const string Place = "/volumes";

    public static async Task CreateAsync(
        DockerClient docker,
        string image,
        string container,
        ImmutableArray<string> names,
        IDictionary<string, string> labels,
        CancellationToken cancellationToken)
    {
        if (names.IsEmpty)
        {
            return;
        }

        foreach (var name in names)
        {
            _ = await docker.Volumes.CreateAsync(new() { Name = name, Labels = labels }, cancellationToken);
        }

        var opener = $"{container}.volumes";
        await RemoveAsync(docker, opener, cancellationToken);
        _ = await docker.Containers.CreateContainerAsync(
            new()
            {
                Name = opener,
                Image = image,
                Cmd = ["never run"],
                Labels = labels,
                HostConfig = new()
                {
                    Mounts = [.. names.Select(static (name, i) => new Mount
                    {
                        Type = "volume",
                        Source = name,
                        Target = string.Create(CultureInfo.InvariantCulture, $"{Place}/{i}"),
                        VolumeOptions = new() { NoCopy = true },
                    })],
                },
            },
            cancellationToken);
        using var archive = await OpenDirectoriesAsync(names.Length, cancellationToken);
        await docker.Containers.ExtractArchiveToContainerAsync(opener, new() { Path = Place }, archive, cancellationToken);
        await RemoveAsync(docker, opener, cancellationToken);
    }

    private static async Task<MemoryStream> OpenDirectoriesAsync(int count, CancellationToken cancellationToken)
    {
        var archive = new MemoryStream();
        await using (var writer = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            for (var i = 0; i < count; i++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{i}/");
                await writer.WriteEntryAsync(
                    new UstarTarEntry(TarEntryType.Directory, name) { Mode = OpenToAll }, cancellationToken);
            }
        }

        archive.Position = 0;
        return archive;
    }

    private static async Task RemoveAsync(DockerClient docker, string container, CancellationToken cancellationToken)
    {
        try
        {
            await docker.Containers.RemoveContainerAsync(container, new() { Force = true }, cancellationToken);
        }
        catch (DockerApiException gone) when (gone.StatusCode is HttpStatusCode.NotFound)
        {
            // It was never made, or is gone already.
        }
    }
}
