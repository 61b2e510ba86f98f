using System.Formats.Tar;
using System.Net;
using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Copies a file out of a container, whenever it has changed.</summary>
/// <remarks>
/// By the daemon's archive, not by a mounted folder: a coordinator that is itself a container has no path that the
/// daemon could mount. The archive shows volumes too, of running and of ended containers.
/// </remarks>
internal sealed class ContainerFile(DockerClient docker, string container, string source, string path)
{
    private (long Size, DateTime Time) _copied;

    /// <summary>Does nothing while the file is missing or is as it was.</summary>
    public async Task CopyAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await StateAsync(cancellationToken) is var state && state == _copied)
            {
                return;
            }

            var archive = await docker.Containers.GetArchiveFromContainerAsync(
                container, new() { Path = source }, statOnly: false, cancellationToken);
            await using var tar = new TarReader(archive.Stream!);
            if (await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { DataStream: { } data })
            {
                await data.ReplaceAsync(path, cancellationToken);
                _copied = state;
            }
        }
        catch (DockerApiException missing) when (missing.StatusCode is HttpStatusCode.NotFound)
        {
            // The program has not written it yet, or somebody has removed the container.
        }
    }

    private async Task<(long Size, DateTime Time)> StateAsync(CancellationToken cancellationToken)
    {
        var archive = await docker.Containers.GetArchiveFromContainerAsync(
            container, new() { Path = source }, statOnly: true, cancellationToken);
        return (archive.Stat.Size, archive.Stat.Mtime);
    }
}
