using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The page on which a trial serves its metrics: Kubernetes' HTTPGetAction.</summary>
/// <remarks>It is the trial's own and nobody else's: what a manifest says must not send the coordinator around.</remarks>
internal static class MetricsPageReader
{
    private const string DefaultPath = "/metrics";
    private const int DefaultPort = 8080;
    private const string Http = "HTTP";
    private const int MaxHeaders = 64;

    private static readonly string[] Itself = ["localhost", "127.0.0.1", "::1"];

    /// <summary>Reads <c>httpGet</c>; <paramref name="collector"/> is the kind that asks for it.</summary>
    public static (MetricsPage Page, JsonObject Json) Read(Field field, string collector)
    {
        _ = field.IsMap("path", "port", "host", "scheme", "httpHeaders");
        var path = field["path"].Text() is { Length: > 0 } given ? given : DefaultPath;
        if (path[0] is not '/' || !Uri.TryCreate($"http://{Itself[0]}{path}", UriKind.Absolute, out _))
        {
            field["path"].Wrong($"is invalid for metrics collector kind: {collector}; begin it with '/'");
        }

        var port = ReadPort(field["port"], collector);
        var json = new JsonObject { ["path"] = path, ["port"] = port };
        if (field["host"].Text() is { Length: > 0 } host)
        {
            json["host"] = host;
            if (!Itself.Contains(host))
            {
                field["host"].Wrong("is never asked: the page is the trial's own, wherever it runs; remove it");
            }
        }

        if (field["scheme"].Text() is { Length: > 0 } scheme)
        {
            json["scheme"] = scheme;
            if (scheme is not Http)
            {
                field["scheme"].Wrong($"must be {Http}, which is the default; others are not available in this release");
            }
        }

        var headers = ReadHeaders(field["httpHeaders"]);
        if (!headers.IsEmpty)
        {
            json["httpHeaders"] = new JsonArray(
                [.. headers.Select(static header => new JsonObject { ["name"] = header.Key, ["value"] = header.Value })]);
        }

        return (new(path, port, headers), json);
    }

    /// <summary>Katib takes a number in quotes too, and no port's name.</summary>
    private static int ReadPort(Field field, string collector)
    {
        if (!field.IsSet)
        {
            return DefaultPort;
        }

        if (!int.TryParse(field.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is 0 or > IPEndPoint.MaxPort)
        {
            field.Wrong(
                $"must be a positive integer value for metrics collector kind: {collector}; write a port from 1 to {IPEndPoint.MaxPort}");
        }

        return port;
    }

    private static ImmutableArray<KeyValuePair<string, string>> ReadHeaders(Field field)
    {
        using var request = new HttpRequestMessage();
        var headers = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var item in field.Items(MaxHeaders))
        {
            _ = item.IsMap("name", "value");
            var name = item["name"].RequiredText("write the header's name");
            var value = item["value"].Text() ?? "";
            if (name.Length > 0 && !request.Headers.TryAddWithoutValidation(name, ""))
            {
                item["name"].Wrong("is no header of a request; check its spelling, or remove it");
            }

            if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                item["value"].Wrong("must be printable ASCII, as every header; leave out the rest");
            }

            headers.Add(new(name, value));
        }

        return headers.DrainToImmutable();
    }
}
