namespace Katib.Coordinator.Runners.Docker;

/// <summary>Files that are copied out of a container.</summary>
internal static class ContainerFiles
{
    // Not by its own name, which may be what a reader of the folder looks for.
    private const string DraftFile = ".draft";

    /// <summary>Puts what is read in a file's place at once: no reader sees half of it.</summary>
    public static async Task ReplaceAsync(this Stream data, string path, CancellationToken cancellationToken)
    {
        var draft = Path.Combine(Path.GetDirectoryName(path)!, DraftFile);
        await using (var file = File.Create(draft))
        {
            await data.CopyToAsync(file, cancellationToken);
        }

        File.Move(draft, path, overwrite: true);
    }
}
