using System.Xml.Linq;

namespace Katib.Architecture.Tests;

/// <summary>
/// Who may know whom. Algorithms know numbers; the wire knows algorithms' types; hosts know both; the coordinator never
/// sees an algorithm; only katib sees the coordinator.
/// </summary>
public sealed class DependencyRuleTests
{
    /// <summary>Project, the projects that it may reference, the packages that it may use.</summary>
    private static readonly Dictionary<string, (string[] Projects, string[] Packages)> Rules = new()
    {
        ["Katib.Core"] = ([], ["MathNet.Numerics"]),
        ["Katib.Algorithms"] = (["Katib.Core"], ["MathNet.Numerics"]),
        ["Katib.Proto"] = (["Katib.Core"], ["Google.Protobuf", "Grpc.Net.Client", "Grpc.Tools"]),
        ["Katib.Telemetry"] = ([], ["OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Exporter.Prometheus.AspNetCore"]),
        ["Katib.Hosting"] = (["Katib.Proto", "Katib.Telemetry"], ["Grpc.AspNetCore", "Grpc.AspNetCore.HealthChecks", "Grpc.Reflection"]),
        ["Katib.Suggestion.*"] = (["Katib.Algorithms", "Katib.Hosting"], []),
        ["Katib.EarlyStopping.*"] = (["Katib.Algorithms", "Katib.Hosting"], []),
        ["Katib.Coordinator"] = (
            ["Katib.Proto", "Katib.Telemetry"],
            ["Docker.DotNet.Enhanced", "Grpc.AspNetCore", "KubernetesClient", "Microsoft.Data.Sqlite", "MySqlConnector", "Npgsql", "YamlDotNet"]),
        ["Katib.Cli"] = (
            ["Katib.Coordinator", "Katib.Hosting", "Katib.Algorithms", "Katib.Telemetry"],
            ["CsvHelper", "Spectre.Console", "System.CommandLine"]),
        ["Katib.Driver"] = (["Katib.Proto"], ["Grpc.AspNetCore", "Grpc.HealthCheck"]),
    };

    public static TheoryData<string> Products =>
    [
        .. Repository.Projects
            .Where(static p => !IsTest(p.Name) && !p.Path.StartsWith("examples/", StringComparison.Ordinal))
            .Select(static p => p.Name),
    ];

    [Theory]
    [MemberData(nameof(Products))]
    public void A_project_references_only_what_the_table_allows(string name)
    {
        var project = Repository.Projects.Single(p => p.Name == name);

        var (projects, packages) = RuleOf(name);

        Assert.Empty(project.Projects.Except(projects));
        Assert.Empty(project.Packages.Except(packages));
    }

    [Fact]
    public void Every_rule_is_about_a_project_that_there_is()
    {
        var rules = Products.Select(static p => KeyOf(p.Data));

        Assert.Equal(Rules.Keys.Order(StringComparer.Ordinal), rules.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_product_references_a_test_or_an_example()
    {
        var products = Repository.Projects.Where(static p => RuleExists(p.Name) && p.Name is not "Katib.Driver");

        Assert.All(products, static p => Assert.DoesNotContain(
            p.Projects,
            static r => IsTest(r) || r is "Katib.Driver" || !r.StartsWith("Katib.", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_example_needs_nothing_of_ours()
    {
        var examples = Repository.Projects.Where(static p => p.Path.StartsWith("examples/", StringComparison.Ordinal));

        Assert.All(examples, static p => Assert.Empty(p.Projects));
    }

    [Fact]
    public void Every_version_of_a_package_is_central()
    {
        var central = XDocument.Parse(Repository.Read("Directory.Packages.props")).Descendants("PackageVersion")
            .Select(static v => (string)v.Attribute("Include")!).ToHashSet(StringComparer.Ordinal);

        Assert.All(Repository.Projects, p =>
        {
            Assert.Empty(p.OwnVersions);
            Assert.Empty(p.Packages.Except(central));
        });
    }

    [Fact]
    public void Every_graph_of_packages_is_locked()
    {
        var missing = Repository.Projects
            .Select(static p => Path.Combine(Path.GetDirectoryName(p.Path)!, "packages.lock.json"))
            .Where(static path => !File.Exists(Path.Combine(Repository.Root, path)));

        Assert.Empty(missing);
    }

    private static bool IsTest(string name) =>
        name.EndsWith(".Tests", StringComparison.Ordinal) || name is "Katib.Benchmarks" or "Katib.Otlp" or "Katib.TracedWorker";

    private static string KeyOf(string name) =>
        name.StartsWith("Katib.Suggestion.", StringComparison.Ordinal) ? "Katib.Suggestion.*"
        : name.StartsWith("Katib.EarlyStopping.", StringComparison.Ordinal) ? "Katib.EarlyStopping.*"
        : name;

    private static bool RuleExists(string name) => Rules.ContainsKey(KeyOf(name));

    private static (string[] Projects, string[] Packages) RuleOf(string name) =>
        RuleExists(name)
            ? Rules[KeyOf(name)]
            : throw new InvalidOperationException($"{name} has no line in the table.");
}
