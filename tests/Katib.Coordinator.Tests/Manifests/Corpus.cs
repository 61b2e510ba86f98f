using System.Globalization;
using System.Text.RegularExpressions;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

/// <summary>The manifests next to this file; each begins with what is to be said about it.</summary>
/// <remarks><c># expect: LINE PATH: PART OF THE MESSAGE</c> for a problem, <c># warn:</c> likewise for a warning.</remarks>
internal static partial class Corpus
{
    public static IEnumerable<string> Names(string folder) =>
        Directory.EnumerateFiles(FolderOf(folder), "*.yaml").Select(static f => Path.GetFileName(f)).Order(StringComparer.Ordinal);

    public static string Read(string folder, string name) => File.ReadAllText(Path.Combine(FolderOf(folder), name));

    /// <summary>What is found is what the file announces, nothing less and nothing more.</summary>
    public static void AssertAsAnnounced(string text, ParsedExperiment parsed)
    {
        AssertSame(Announced(text, "expect"), [.. parsed.Problems]);
        AssertSame(Announced(text, "warn"), [.. parsed.Warnings]);
    }

    private static void AssertSame(List<ManifestProblem> announced, List<ManifestProblem> found)
    {
        var missing = announced.Where(a => !found.Exists(f => Matches(a, f)));
        var surplus = found.Where(f => !announced.Exists(a => Matches(a, f)));

        Assert.Empty(missing.Select(static m => $"not found: {m}").Concat(surplus.Select(static s => $"not announced: {s}")));
        Assert.Equal(announced.Count, found.Count);
        Assert.Equal(found.OrderBy(static f => f.Line), found);
    }

    private static bool Matches(ManifestProblem announced, ManifestProblem found) =>
        announced.Line == found.Line
        && announced.Path == found.Path
        && found.Message.Contains(announced.Message, StringComparison.Ordinal);

    private static List<ManifestProblem> Announced(string text, string word) =>
        [.. Announcement.Matches(text)
            .Where(m => m.Groups["word"].Value == word)
            .Select(static m => new ManifestProblem(
                int.Parse(m.Groups["line"].Value, CultureInfo.InvariantCulture), m.Groups["path"].Value, "", m.Groups["message"].Value))];

    private static string FolderOf(string folder) => Path.Combine(AppContext.BaseDirectory, "Manifests", folder);

    [GeneratedRegex(@"^# (?<word>expect|warn): (?<line>\d+) (?<path>.*?): (?<message>.+)$", RegexOptions.Multiline)]
    private static partial Regex Announcement { get; }
}
