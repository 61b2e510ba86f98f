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
        var (_, name) = ServiceOf(algorithm);

        Assert.Contains(
            Repository.Files("*.yaml", "examples"),
            path => Regex.IsMatch(Repository.Read(path), $@"^\s*algorithmName:\s*{name}\s*$", RegexOptions.Multiline));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void It_has_an_image_a_container_in_compose_and_manifests(string algorithm)
    {
        var (project, name) = ServiceOf(algorithm);

        var image = $"katib-suggestion-{project["Katib.Suggestion.".Length..].ToLowerInvariant()}";

        Assert.Contains($"build suggestion {project} \"{image}:$tag\"", Repository.Read("services/build-images"), StringComparison.Ordinal);
        var compose = Repository.Read("docker-compose.yml");
        Assert.Contains($"PROJECT: {project},", compose, StringComparison.Ordinal);
        Assert.Contains($"Coordinator__Endpoints__{name}: http://{name}:6789", compose, StringComparison.Ordinal);
        Assert.Contains(
            Repository.Files("*.yaml", "services/manifests"),
            path => Repository.Read(path).Contains($"image: {image}\n", StringComparison.Ordinal));
        Assert.Contains($"- name: {image}\n", Repository.Read("services/manifests/kustomization.yaml"), StringComparison.Ordinal);
    }

    /// <summary>The project that serves an algorithm, and the name that it serves it under.</summary>
    private static (string Project, string Name) ServiceOf(string algorithm)
    {
        var programs = Repository.Files("Program.cs", "services")
            .Where(static path => path.StartsWith("services/Katib.Suggestion.", StringComparison.Ordinal))
            .Select(path => (
                Path: path,
                Match: Regex.Match(Repository.Read(path), $@"""(?<name>[a-z0-9-]+)"", new {algorithm}\(\)")))
            .Where(static served => served.Match.Success);
        var (path, match) = Assert.Single(programs);
        return (path.Split('/')[1], match.Groups["name"].Value);
    }
}
