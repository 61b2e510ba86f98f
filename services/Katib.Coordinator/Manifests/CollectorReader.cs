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
    private const string EventKind = "TensorFlowEvent";
    private const string PushKind = "Push";
    private const string PrometheusKind = "PrometheusMetric";
    private const string CustomKind = "Custom";
    private const string NoneKind = "None";
    private const string DirectoryKind = "Directory";
    private const string DefaultPath = "/var/log/katib/metrics.log";
    private const string DefaultDirectory = "/var/log/katib/tfevent/";

    /// <summary>Every line of every trial is searched with each of them.</summary>
    private const int MaxFilters = 64;

    private const string Text = "TEXT";
    private const string Json = "JSON";

    private static readonly string[] Kinds =
        [StdOutKind, FileKind, EventKind, PrometheusKind, PushKind, CustomKind, NoneKind];

    public static (MetricsCollectorSpec Spec, JsonObject Json) Read(Field field)
    {
        _ = field.IsMap("source", "collector");
        var collector = field["collector"];
        var source = field["source"];
        var kind = ReadKind(collector);
        if (kind is null)
        {
            return (new(CollectorKind.StdOut, DefaultPath, MetricsFormat.Text, []), []);
        }

        _ = source.IsMap("httpGet", "fileSystemPath", "filter");
        var page = source["httpGet"];
        if (kind is not PrometheusKind)
        {
            RefuseAsIdle(page, kind);
        }

        var file = source["fileSystemPath"];
        switch (kind)
        {
            case PushKind:
                RefuseAsIdle(file, kind);
                RefuseAsIdle(source["filter"], kind);
                return (new(CollectorKind.Push, "", MetricsFormat.Text, []), ToJson(kind, [], []));
            case PrometheusKind:
                RefuseAsIdle(file, kind);
                RefuseAsIdle(source["filter"], kind);
                var (read, pageJson) = MetricsPageReader.Read(page, kind);
                return (new(CollectorKind.PrometheusMetric, "", MetricsFormat.Text, []) { Page = read },
                    ToJson(kind, new() { ["httpGet"] = pageJson }, []));
            case CustomKind:
                RefuseAsIdle(source["filter"], kind);
                return ReadCustom(collector["customCollector"], file);
            case NoneKind:
                RefuseAsIdle(file, kind);
                RefuseAsIdle(source["filter"], kind);
                return (new(CollectorKind.None, "", MetricsFormat.Text, []), ToJson(kind, [], []));
            case EventKind:
                var directory = ReadDirectory(file);
                RefuseAsIdle(source["filter"], kind);
                return (new(CollectorKind.TensorFlowEvent, directory, MetricsFormat.Text, []),
                    ToJson(kind, FileJson(DirectoryKind, directory), []));
            case FileKind:
                var (path, format) = ReadFile(file);
                var filters = ReadFilters(source["filter"], format);
                return (new(CollectorKind.File, path, format, filters), ToJson(kind, FileJson(FileKind, path, format), filters));
            default:
                if (file.IsSet)
                {
                    file.Wrong("has no effect with the collector StdOut; remove it, or set collector.kind to File");
                }

                filters = ReadFilters(source["filter"], MetricsFormat.Text);
                return (new(CollectorKind.StdOut, DefaultPath, MetricsFormat.Text, filters), ToJson(kind, [], filters));
        }
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
        var kind = field.RequiredText($"write {string.Join(", ", Kinds[..^1])} or {Kinds[^1]}");
        if (kind is not ("" or CustomKind))
        {
            RefuseAsIdle(collector["customCollector"], kind);
        }

        if (kind is not "" && !Kinds.Contains(kind))
        {
            field.MustBeOneOf(Kinds);
        }

        return Kinds.Contains(kind) ? kind : null;
    }

    private static void RefuseAsIdle(Field field, string kind)
    {
        if (field.IsSet)
        {
            field.Wrong($"has no effect with the collector {kind}; remove it");
        }
    }

    /// <summary>The container is checked by the runner that is to run it.</summary>
    private static (MetricsCollectorSpec Spec, JsonObject Json) ReadCustom(Field container, Field file)
    {
        _ = file.IsMap("path", "kind", "format");
        RefuseAsIdle(file["format"], CustomKind);
        var source = new JsonObject();
        var directory = "";
        if (file.IsSet)
        {
            var path = ReadPath(file, DefaultPath);
            var kind = file["kind"].Text();
            if (kind is not (FileKind or DirectoryKind))
            {
                file["kind"].MustBeOneOf(FileKind, DirectoryKind);
            }

            source = FileJson(kind ?? FileKind, path);
            directory = kind is DirectoryKind ? path : path[..(path.LastIndexOf('/') + 1)];
        }

        var json = container.IsRequired("write the container that collects the metrics") && container.IsAnyMap()
            ? (JsonObject)container.Node!.ToJson()!
            : [];
        var written = ToJson(CustomKind, source, []);
        written["collector"]!["customCollector"] = json.DeepClone();
        return (new(CollectorKind.Custom, directory, MetricsFormat.Text, []) { Container = json }, written);
    }

    private static (string Path, MetricsFormat Format) ReadFile(Field file)
    {
        _ = file.IsMap("path", "kind", "format");
        if (file["kind"].Text() is { Length: > 0 } and not FileKind)
        {
            file["kind"].Wrong("must be File with the collector File");
        }

        var path = ReadPath(file, DefaultPath);
        if (path[^1] is '/' && path[0] is '/')
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

    private static string ReadDirectory(Field file)
    {
        _ = file.IsMap("path", "kind", "format");
        if (file["kind"].Text() is { Length: > 0 } and not DirectoryKind)
        {
            file["kind"].Wrong($"must be {DirectoryKind} with the collector {EventKind}");
        }

        if (file["format"].Text() is { Length: > 0 })
        {
            file["format"].Wrong($"has no effect with the collector {EventKind}; remove it");
        }

        return ReadPath(file, DefaultDirectory);
    }

    private static string ReadPath(Field file, string @default)
    {
        var path = file["path"].Text() is { Length: > 0 } given ? given : @default;
        if (path[0] is not '/')
        {
            file["path"].Wrong("must be absolute; begin it with '/'");
        }

        return path;
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

    private static JsonObject FileJson(string kind, string path, MetricsFormat? format = null)
    {
        var json = new JsonObject { ["path"] = path, ["kind"] = kind };
        if (format is { } written)
        {
            json["format"] = written is MetricsFormat.Json ? Json : Text;
        }

        return new() { ["fileSystemPath"] = json };
    }

    private static JsonObject ToJson(string kind, JsonObject source, ImmutableArray<string> filters)
    {
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
