using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Katib.Coordinator.Clusters;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Templates;

namespace Katib.Coordinator.Runners.Kubernetes;

/// <summary>Brings the metrics files of a pod here, through a log.</summary>
/// <remarks>
/// A second container, which the coordinator writes into the template that it hands to the cluster, shares the metrics
/// directory with the program and prints what is new in it. So nothing but a log is read: no webhook changes the pod, nobody
/// executes anything in it, and no network is between the two, which is why it works in a mesh and without rights of its own.
/// </remarks>
internal static class MetricsMirror
{
    /// <summary>The container's name.</summary>
    public const string Container = "katib-metrics";

    private const string Volume = "katib-metrics";

    private static readonly string Script = ReadScript();

    /// <summary>Puts the container beside the primary one.</summary>
    /// <param name="template">A pod template with a primary container.</param>
    /// <param name="primary">The primary container.</param>
    /// <param name="collector">Where the metrics are.</param>
    /// <param name="image">The container's image: any with a shell, find, tail, head and base64.</param>
    /// <param name="asSidecar">Whether the cluster knows sidecars, which end when the others have.</param>
    public static void Add(JsonObject template, JsonObject primary, MetricsCollectorSpec collector, string image, bool asSidecar)
    {
        var pod = (JsonObject)template["spec"]!;
        var directory = MetricsDirectory.Of(collector);
        var mount = Mounted(primary, directory) ?? Mount(pod, primary, directory);
        var container = new JsonObject
        {
            ["name"] = Container,
            ["image"] = image,
            ["imagePullPolicy"] = "IfNotPresent",
            ["command"] = new JsonArray("/bin/sh", "-c", Script, Container, directory, Pattern(collector)),
            ["resources"] = JsonNode.Parse(
                """{"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}"""),
            ["volumeMounts"] = new JsonArray(mount),
            ["securityContext"] = SecurityOf(primary),
        };
        if (asSidecar)
        {
            container["restartPolicy"] = "Always";
        }

        var list = asSidecar ? "initContainers" : "containers";
        if (pod[list] is not JsonArray containers)
        {
            pod[list] = containers = [];
        }

        containers.Add((JsonNode)container);
    }

    /// <summary>Writes what a line of the container's log tells of into the folder that stands for the directory; others are passed over.</summary>
    /// <remarks>Bytes go where they belong, so that a line may be taken twice.</remarks>
    public static void Take(string line, string folder)
    {
        if (line.Split(' ') is not ["katib-metrics", var offset, var name, var data]
            || !long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            || Decode(name) is not { } path
            || Decode(data) is not { } bytes)
        {
            return;
        }

        var file = Path.GetFullPath(Path.Combine(folder, Encoding.UTF8.GetString(path)));
        if (!file.StartsWith(Path.GetFullPath(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            // The program's words are not trusted with other folders.
            return;
        }

        _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var copy = File.OpenHandle(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(copy, bytes, at);
        if (bytes.Length is 0)
        {
            // It was emptied, and begins anew.
            RandomAccess.SetLength(copy, at);
        }
    }

    private static byte[]? Decode(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : null;
    }

    /// <summary>The names of files that are looked at.</summary>
    private static string Pattern(MetricsCollectorSpec collector) =>
        collector.Kind is CollectorKind.File ? MetricsDirectory.FileOf(collector) : $"*{Metrics.Events.EventFolder.NamePart}*";

    /// <summary>The volume that the directory is on, where the user has thought of one.</summary>
    private static JsonNode? Mounted(JsonObject primary, string directory) =>
        (primary["volumeMounts"] as JsonArray)?.OfType<JsonObject>()
            .FirstOrDefault(mount => ((string?)mount["mountPath"])?.TrimEnd('/') == directory)?.DeepClone();

    private static JsonObject Mount(JsonObject pod, JsonObject primary, string directory)
    {
        if (pod["volumes"] is not JsonArray volumes)
        {
            pod["volumes"] = volumes = [];
        }

        if (volumes.With("name", Volume) is null)
        {
            volumes.Add((JsonNode)new JsonObject { ["name"] = Volume, ["emptyDir"] = new JsonObject() });
        }

        if (primary["volumeMounts"] is not JsonArray mounts)
        {
            primary["volumeMounts"] = mounts = [];
        }

        var mount = new JsonObject { ["name"] = Volume, ["mountPath"] = directory };
        mounts.Add((JsonNode)mount.DeepClone());
        return mount;
    }

    /// <summary>As the profile <c>restricted</c> asks for, and of the same user as the program, whose files it must be able to read.</summary>
    private static JsonObject SecurityOf(JsonObject primary)
    {
        var security = new JsonObject
        {
            ["allowPrivilegeEscalation"] = false,
            ["readOnlyRootFilesystem"] = true,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
        };
        foreach (var key in new[] { "runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile" })
        {
            if (primary["securityContext"]?[key] is { } same)
            {
                security[key] = same.DeepClone();
            }
        }

        return security;
    }

    private static string ReadScript()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("mirror.sh")!;
        using var reader = new StreamReader(stream);

        // In a command Kubernetes takes $(NAME) for a variable; doubled it stays what it is.
        return reader.ReadToEnd().Replace("$(", "$$(", StringComparison.Ordinal);
    }
}
