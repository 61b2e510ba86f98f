using System.Text.RegularExpressions;

namespace Katib.Architecture.Tests;

/// <summary>Rules that are read off the sources.</summary>
public sealed partial class SourceRuleTests
{
    public static TheoryData<string> Products => ["algorithms", "proto", "services"];

    [Theory]
    [MemberData(nameof(Products))]
    public void No_type_is_named_by_a_word_that_says_nothing(string folder)
    {
        var offenders = Repository.Files("*.cs", folder)
            .SelectMany(static path =>
                Types().Matches(Repository.Read(path)).Select(m => $"{path}: {m.Groups["name"].Value}"))
            .Where(static type => Empty().IsMatch(type));

        Assert.Empty(offenders);
    }

    [Theory]
    [InlineData("public sealed class TrialManager(int x)")]
    [InlineData("internal static class StringUtils")]
    [InlineData("public readonly record struct TrialInfo<T>(int X)")]
    [InlineData("public abstract class SamplerBase : object")]
    [InlineData("    private sealed record ExperimentData;")]
    public void Such_a_type_would_be_found(string source)
    {
        var type = Assert.Single(Types().Matches(source)).Groups["name"].Value;

        Assert.Matches(Empty(), type);
    }

    [Fact]
    public void Status_codes_are_known_only_where_the_wire_is()
    {
        var offenders = Products.SelectMany(static folder => Repository.Files("*.cs", folder.Data))
            .Where(static path => Repository.Read(path).Contains("RpcException", StringComparison.Ordinal))
            .Where(static path => !path.StartsWith("services/Katib.Hosting/", StringComparison.Ordinal)
                && !path.StartsWith("services/Katib.Coordinator/Suggesting/", StringComparison.Ordinal)
                && path is not "services/Katib.Coordinator/Pushing/ObservationService.cs");

        Assert.Empty(offenders);
    }

    [Fact]
    public void No_file_names_a_path_of_somebodys_machine()
    {
        string[] texts =
        [
            "*.cs", "*.csproj", "*.props", "*.json", "*.proto", "*.md", "*.yaml", "*.yml", "*.sh", "*.py", "*.sql",
        ];
        var root = Path.TrimEndingDirectorySeparator(Repository.Root) + "/";
        var rootIsTelling = root.Count(static c => c is '/') > 2;

        var offenders = texts.SelectMany(static pattern => Repository.Files(pattern))
            .Where(path => !path.EndsWith("packages.lock.json", StringComparison.Ordinal)
                && Repository.Read(path) is var text
                && (Homes().IsMatch(text) || (rootIsTelling && text.Contains(root, StringComparison.Ordinal))));

        Assert.Empty(offenders);
    }

    [GeneratedRegex(@"\b(class|struct|record|interface|enum)\s+(?!class\b|struct\b)(?<name>[A-Z]\w*)")]
    private static partial Regex Types();

    [GeneratedRegex("(Manager|Helper|Util|Base|Common|Wrapper|Impl|Data|Info)s?$")]
    private static partial Regex Empty();

    /// <summary>Home folders of people, but for those of examples: <c>me</c> and <c>you</c>.</summary>
    [GeneratedRegex(@"(/home/|/Users/|[A-Z]:\\Users\\)(?!me\b|you\b)\w|(?<![\w/])/[r]oot/")]
    private static partial Regex Homes();
}
