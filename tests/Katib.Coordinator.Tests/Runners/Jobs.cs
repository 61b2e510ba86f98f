using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>Jobs for tests, and a parser that knows "name=value".</summary>
internal static class Jobs
{
    public static MetricsCollectorSpec StdOut { get; } = new(CollectorKind.StdOut, "", MetricsFormat.Text, []);

    public static MetricsCollectorSpec File(string path) => new(CollectorKind.File, path, MetricsFormat.Text, []);

    public static MetricsCollectorSpec Events(string path) => new(CollectorKind.TensorFlowEvent, path, MetricsFormat.Text, []);

    public static MetricsCollectorSpec Prometheus { get; } =
        new(CollectorKind.PrometheusMetric, "", MetricsFormat.Text, []) { Page = new("/metrics", 8080, []) };

    public static MetricsCollectorSpec Custom(string path, JsonObject container) =>
        new(CollectorKind.Custom, path, MetricsFormat.Text, []) { Container = container };

    public static MetricsCollectorSpec None { get; } = new(CollectorKind.None, "", MetricsFormat.Text, []);

    /// <summary>A script for the shell, which sees every dollar sign of it.</summary>
    public static TrialJob Shell(
        string trial, string script, MetricsCollectorSpec? collector = null, int attempt = 1)
    {
        var escaped = script.Replace("$", "$$", StringComparison.Ordinal);
        return Of(trial, Job(Container(["/bin/sh", "-c", escaped])), collector, attempt);
    }

    public static TrialJob Of(
        string trial, JsonObject runObject, MetricsCollectorSpec? collector = null, int attempt = 1) =>
        new(trial, attempt, runObject, "main", collector ?? StdOut, ["loss"]);

    public static JsonObject Container(string[] command) => new()
    {
        ["name"] = "main",
        ["command"] = new JsonArray([.. command.Select(static text => JsonValue.Create(text))]),
    };

    public static JsonObject Job(JsonObject container) => new()
    {
        ["apiVersion"] = "batch/v1",
        ["kind"] = "Job",
        ["spec"] = new JsonObject
        {
            ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray(container) } },
        },
    };

    /// <summary>A job from JSON in which the quotes may be single.</summary>
    public static JsonObject Parse(string json) => JsonNode.Parse(json.Replace('\'', '"'))!.AsObject();

    public static ILineParser Parser(TrialJob job) => new NameValueParser(job.MetricNames);

    private sealed class NameValueParser(ImmutableArray<string> names) : ILineParser
    {
        public ImmutableArray<MetricPoint> Parse(string line) =>
            line.Split('=') is [var name, var value] && names.Contains(name) ? [new(name, value, null)] : [];

        public string? WhyMissing(string metric) => null;
    }
}
