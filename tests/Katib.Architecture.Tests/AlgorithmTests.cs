using System.Text.RegularExpressions;
using Katib.Algorithms.Random;

namespace Katib.Architecture.Tests;

/// <summary>An algorithm is more than its class: it is tested like all others, served, and shown to people.</summary>
public sealed class AlgorithmTests
{
    public static TheoryData<string> Algorithms =>
    [
        .. typeof(RandomSearch).Assembly.GetExportedTypes()
            .Where(static t => t is { IsAbstract: false } && t.IsAssignableTo(typeof(ISearchAlgorithm)))
            .Select(static t => t.Name),
    ];

    [Fact]
    public void There_are_algorithms()
    {
        Assert.Contains(Algorithms, static a => a.Data is "RandomSearch");
        Assert.Contains(Algorithms, static a => a.Data is "GridSearch");
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void It_is_held_against_the_conformance_suite(string algorithm)
    {
        var suite = $"class {algorithm}Conformance : SearchAlgorithmConformance";

        Assert.Contains(
            Repository.Files("*.cs", "tests/Katib.Algorithms.Tests"),
            path => Repository.Read(path).Contains(suite, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void It_has_a_service_of_its_own_and_an_example_that_asks_for_it(string algorithm)
    {
        var programs = Repository.Files("Program.cs", "services")
            .Where(static path => path.StartsWith("services/Katib.Suggestion.", StringComparison.Ordinal))
            .Select(path => Regex.Match(Repository.Read(path), $@"""(?<name>[a-z0-9-]+)"", new {algorithm}\(\)"))
            .Where(static served => served.Success);

        var name = Assert.Single(programs).Groups["name"].Value;

        Assert.Contains(
            Repository.Files("*.yaml", "examples"),
            path => Regex.IsMatch(Repository.Read(path), $@"^\s*algorithmName:\s*{name}\s*$", RegexOptions.Multiline));
    }
}
