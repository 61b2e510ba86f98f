using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Manifests;

/// <summary>The metrics collector: where a trial's metrics are read from.</summary>
internal static class CollectorReader
{
    private const string StdOutKind = "StdOut";
    private const string FileKind = "File";
    private const string DefaultPath = "/var/log/katib/metrics.log";

    /// <summary>Every line of every trial is searched with each of them.</summary>
    private const int MaxFilters = 64;

    private const string Text = "TEXT";
    private const string Json = "JSON";

    private static readonly string[] NotYet = ["TensorFlowEvent", "PrometheusMetric", "Custom", "Push"];

    public static (MetricsCollectorSpec Spec, JsonObject Json) Read(Field field)
    {
        _ = field.IsMap("source", "collector");
        var collector = field["collector"];
        var source = field["source"];
        var kind = ReadKind(collector);
        if (kind is not (StdOutKind or FileKind))
        {
            return (new(CollectorKind.StdOut, DefaultPath, MetricsFormat.Text, []), []);
        }

        var isFile = kind is FileKind;
        _ = source.IsMap("httpGet", "fileSystemPath", "filter");
        if (source["httpGet"].IsSet)
        {
            source["httpGet"].Wrong($"has no effect with the collector {kind}; remove it");
        }

        var file = source["fileSystemPath"];
        if (!isFile && file.IsSet)
        {
            file.Wrong("has no effect with the collector StdOut; remove it, or set collector.kind to File");
        }

        var (path, format) = isFile ? ReadFile(file) : (DefaultPath, MetricsFormat.Text);
        var filters = ReadFilters(source["filter"], format);
        return (new(isFile ? CollectorKind.File : CollectorKind.StdOut, path, format, filters), ToJson(kind, path, format, filters));
    }

    /// <summary>The collector's kind; null when it is none that works, which is complained about.</summary>
    private static string? ReadKind(Field collector)
    {
        if (!collector.IsSet)
        {
            return StdOutKind;
        }

        if (!collector.IsMap("kind", "customCollector"))
        {
            return null;
        }

        var field = collector["kind"];
        var kind = field.RequiredText($"write {StdOutKind} or {FileKind}");
        if (NotYet.Contains(kind))
        {
            field.Wrong($"is not available in this release; the collectors {StdOutKind} and {FileKind} are");
            return null;
        }

        if (collector["customCollector"].IsSet)
        {
            collector["customCollector"].Wrong($"is not available in this release; the collectors {StdOutKind} and {FileKind} are");
        }

        if (kind is not ("" or StdOutKind or FileKind))
        {
            field.MustBeOneOf(StdOutKind, FileKind);
        }

        return kind is StdOutKind or FileKind ? kind : null;
    }

    private static (string Path, MetricsFormat Format) ReadFile(Field file)
    {
        _ = file.IsMap("path", "kind", "format");
        if (file["kind"].Text() is { Length: > 0 } and not FileKind)
        {
            file["kind"].Wrong("must be File with the collector File");
        }

        var path = file["path"].Text() is { Length: > 0 } given ? given : DefaultPath;
        if (path[0] is not '/')
        {
            file["path"].Wrong("must be absolute; begin it with '/'");
        }
        else if (path[^1] is '/')
        {
            file["path"].Wrong("is a directory; name the file in it");
        }

        var format = file["format"].Text();
        if (format is not (null or "" or Text or Json))
        {
            file["format"].MustBeOneOf(Text, Json);
        }

        return (path, format is Json ? MetricsFormat.Json : MetricsFormat.Text);
    }

    private static ImmutableArray<string> ReadFilters(Field filter, MetricsFormat format)
    {
        _ = filter.IsMap("metricsFormat");
        if (filter.IsSet && format is MetricsFormat.Json)
        {
            filter.Wrong("has no effect with the format JSON; remove it");
            return [];
        }

        var filters = ImmutableArray.CreateBuilder<string>();
        foreach (var item in filter["metricsFormat"].Items(MaxFilters))
        {
            var expression = item.RequiredText("write an expression, or remove the '-'");
            if (expression.Length is 0)
            {
                continue;
            }

            if (!MetricFilter.TryRead(expression, out _, out var problem))
            {
                item.Wrong($"is no filter. {problem}");
            }

            if (expression.Contains(';', StringComparison.Ordinal))
            {
                item.Doubt("contains ';', at which Katib's own collector would cut it in two; write \\x3b to be understood by both");
            }

            filters.Add(expression);
        }

        return filters.ToImmutable();
    }

    private static JsonObject ToJson(string kind, string path, MetricsFormat format, ImmutableArray<string> filters)
    {
        var source = new JsonObject();
        if (kind is FileKind)
        {
            source["fileSystemPath"] = new JsonObject
            {
                ["path"] = path,
                ["kind"] = FileKind,
                ["format"] = format is MetricsFormat.Json ? Json : Text,
            };
        }

        if (!filters.IsEmpty)
        {
            source["filter"] = new JsonObject
            {
                ["metricsFormat"] = new JsonArray([.. filters.Select(static f => JsonValue.Create(f))]),
            };
        }

        var json = new JsonObject();
        if (source.Count > 0)
        {
            json["source"] = source;
        }

        json["collector"] = new JsonObject { ["kind"] = kind };
        return json;
    }
}
