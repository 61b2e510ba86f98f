namespace Katib.Benchmarks;

/// <summary>The checkout that the benchmarks were built in.</summary>
internal static class Repository
{
    public static string Folder { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "global.json")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The benchmarks do not lie in their repository.");
        }

        return folder.FullName;
    }
}
