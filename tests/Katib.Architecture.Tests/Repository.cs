using System.Xml.Linq;

namespace Katib.Architecture.Tests;

/// <summary>The repository as files, without what is built from them.</summary>
internal static class Repository
{
    private static readonly string[] Built = ["artifacts", "bin", "obj", "TestResults"];

    public static string Root { get; } = RootAbove(AppContext.BaseDirectory);

    /// <summary>Every project, by its name.</summary>
    public static IEnumerable<Project> Projects => Files("*.csproj").Select(static path => new Project(path));

    /// <summary>The files that match, as paths below the root with forward slashes.</summary>
    public static IEnumerable<string> Files(string pattern, string below = "") =>
        FilesIn(Path.Combine(Root, below), pattern)
            .Select(static path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static IEnumerable<string> FilesIn(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern).Concat(
            Directory.EnumerateDirectories(folder)
                .Where(static f => Path.GetFileName(f) is not ['.', ..] and var name && !Built.Contains(name))
                .SelectMany(f => FilesIn(f, pattern)));

    private static string RootAbove(string folder) =>
        File.Exists(Path.Combine(folder, "global.json"))
            ? folder
            : RootAbove(Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("No global.json above the tests."));
}

/// <summary>One csproj file.</summary>
internal sealed record Project(string Path)
{
    private readonly XDocument _xml = XDocument.Parse(Repository.Read(Path));

    public string Name { get; } = System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>The names of the projects that it references.</summary>
    public IEnumerable<string> Projects =>
        References("ProjectReference").Select(static p => System.IO.Path.GetFileNameWithoutExtension(p));

    /// <summary>The names of its packages.</summary>
    public IEnumerable<string> Packages => References("PackageReference");

    /// <summary>Its package references that give a version themselves.</summary>
    public IEnumerable<string> OwnVersions => _xml.Descendants("PackageReference")
        .Where(static r => r.Attribute("Version") is not null || r.Attribute("VersionOverride") is not null)
        .Select(static r => (string)r.Attribute("Include")!);

    private IEnumerable<string> References(string kind) =>
        _xml.Descendants(kind).Select(static r => (string)r.Attribute("Include")!);
}
