namespace Katib.Coordinator.Storage;

/// <summary>Where a store keeps its things: the file, and beside it a folder for what the trials leave.</summary>
public sealed record StoreLocation(string File)
{
    /// <summary>The store that is used unless another is named.</summary>
    public static StoreLocation Default { get; } = new(Path.Combine(".katib", "katib.db"));

    /// <summary>The folder of one experiment's trials.</summary>
    public string FolderOf(string @namespace, string name) =>
        Path.Combine(Path.GetFullPath(File) + ".trials", $"{@namespace}.{name}");
}
