using System.Formats.Tar;
using System.Net;
using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Copies the files of a name out of a container's directory and all below it, whenever they have changed.</summary>
/// <remarks>
/// The daemon's archive has the whole directory, and its state says nothing of what is below. So that a directory full
/// of checkpoints keeps nobody busy, the next copy waits ten times as long as the last one took.
/// </remarks>
internal sealed class ContainerFolder(
    DockerClient docker, string container, string source, string folder, string namePart, TimeProvider time)
{
    private const int Restraint = 10;

    private readonly Dictionary<string, (long Size, DateTimeOffset Time)> _copied = new(StringComparer.Ordinal);
    private long _ended;
    private TimeSpan _took;

    /// <summary>Does nothing while the directory is missing, and too soon after the last copy.</summary>
    public async Task CopyAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        if (_ended > 0 && time.GetElapsedTime(_ended, begun) < Restraint * _took)
        {
            return;
        }

        try
        {
            var archive = await docker.Containers.GetArchiveFromContainerAsync(
                container, new() { Path = source }, statOnly: false, cancellationToken);

            // The stream takes a read of no bytes, as which every entry ends, for a broken connection; a buffer never asks for none.
            await using var tar = new TarReader(new BufferedStream(archive.Stream!));
            while (await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
            {
                await CopyAsync(entry, cancellationToken);
            }
        }
        catch (DockerApiException missing) when (missing.StatusCode is HttpStatusCode.NotFound)
        {
            // The program has not made it yet, or somebody has removed the container.
        }

        _ended = time.GetTimestamp();
        _took = time.GetElapsedTime(begun, _ended);
    }

    private async Task CopyAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        // The archive's names begin with the directory's own.
        string[] names = [.. entry.Name.Split('/')[1..]];
        var state = (entry.Length, entry.ModificationTime);
        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            || entry.DataStream is null
            || names is not [.., var file]
            || !file.Contains(namePart, StringComparison.Ordinal)
            || names.Contains("..")
            || (_copied.TryGetValue(entry.Name, out var copied) && copied == state))
        {
            return;
        }

        var path = Path.Combine([folder, .. names]);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await entry.DataStream.ReplaceAsync(path, cancellationToken);
        _copied[entry.Name] = state;
    }
}
