using Docker.DotNet;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Copies what a container prints into a file that outlives it.</summary>
/// <remarks>
/// Docker tells a log always from its beginning and always the same, so the file is a beginning of it, and its length
/// says what is already there: every byte is written once, across broken connections and lives of the coordinator.
/// </remarks>
internal sealed class ContainerLog(DockerClient docker, string container, string path)
{
    private const int ChunkSize = 64 * 1024;

    /// <summary>Copies what is there already, and with <paramref name="follow"/> what comes until the container's end.</summary>
    public async Task CopyAsync(bool follow, CancellationToken cancellationToken)
    {
        using var log = await docker.Containers.GetContainerLogsAsync(
            container, new() { ShowStdout = true, ShowStderr = true, Follow = follow }, cancellationToken);

        // A read that waits for the next line does not hear of the token everywhere.
        await using var closing = cancellationToken.Register(log.Dispose);
        await using var file = new FileStream(
            path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var written = file.Seek(0, SeekOrigin.End);
        var chunk = new byte[ChunkSize];
        for (var at = 0L; await log.ReadOutputAsync(chunk, 0, chunk.Length, cancellationToken) is { EOF: false } read;)
        {
            var known = (int)Math.Clamp(written - at, 0, read.Count);
            at += read.Count;
            await file.WriteAsync(chunk.AsMemory(known, read.Count - known), cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }
}
