using System.Collections.Immutable;
using Google.Protobuf;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Metrics.Events;

/// <summary>Reads a trial's metrics from the event files of TensorFlow and PyTorch below a folder, as they grow.</summary>
/// <remarks>
/// A metric is a tag of that name in any of the files; <c>a/b/name</c> is also the tag <c>name</c> in a file whose folder
/// ends with <c>a/b</c>. Different from Katib, on purpose: the tag is the whole name (Katib takes <c>loss_total</c> for
/// <c>loss</c>), and a damaged record costs that record alone.
/// </remarks>
/// <param name="folder">The folder on this machine; may come into being later.</param>
/// <param name="collectorPath">The folder's name where the trial runs.</param>
/// <param name="metricNames">Which metrics count, the objective's first.</param>
public sealed class EventFolder(string folder, string collectorPath, ImmutableArray<string> metricNames)
{
    /// <summary>What an event file's name has in it; TensorBoard goes by the same.</summary>
    public const string NamePart = "tfevents";

    private const int MostFiles = 10_000;
    private const int MostPoints = 1000;

    // A folder of links could lead anywhere, and round in a circle.
    private static readonly EnumerationOptions Below = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
    };

    private readonly SortedDictionary<string, EventRecords> _files = new(StringComparer.Ordinal);
    private readonly MetricsFindings _findings = new(metricNames);

    /// <summary>The values since the last call, in portions of bounded size, each with its file's name below the folder.</summary>
    public IEnumerable<(string File, ImmutableArray<MetricPoint> Points)> ReadNew()
    {
        var paths = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, $"*{NamePart}*", Below) : [];
        var names = paths.Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'));
        foreach (var name in names.Where(name => !_files.ContainsKey(name)).Take(MostFiles - _files.Count))
        {
            _files.Add(name, new(Path.Combine(folder, name)));
        }

        foreach (var (name, records) in _files)
        {
            var points = ImmutableArray.CreateBuilder<MetricPoint>();
            foreach (var record in records.ReadNew())
            {
                points.AddRange(PointsOf(record, name));
                if (points.Count >= MostPoints)
                {
                    yield return (name, points.DrainToImmutable());
                }
            }

            if (points.Count > 0)
            {
                yield return (name, points.DrainToImmutable());
            }
        }
    }

    /// <summary>Why the files so far have no value of a metric, as a sentence.</summary>
    public string WhyMissing(string metric) =>
        _files.Count is 0 ? $"There is no event file in {collectorPath}."
        : _files.FirstOrDefault(static f => f.Value.Problem is not null) is { Value.Problem: { } problem } bad
            ? $"The event file {bad.Key} {problem}"
        : _findings.NearMisses.IsEmpty ? $"The event files in {collectorPath} have no number."
        : NearestName.Of(metric, _findings.NearMisses) is { } near ? $"Found '{near}', expected '{metric}'."
        : $"Found {string.Join(", ", _findings.NearMisses.Select(static n => $"'{n}'"))}, expected '{metric}'.";

    private IEnumerable<MetricPoint> PointsOf(byte[] record, string file)
    {
        ImmutableArray<EventScalar> scalars;
        try
        {
            scalars = EventScalars.Parse(record);
        }
        catch (InvalidProtocolBufferException)
        {
            // Its checksum is right: another program's record.
            return [];
        }

        var below = file[..(file.LastIndexOf('/') + 1)];
        return scalars.SelectMany(scalar => PointsOf(scalar, below));
    }

    private IEnumerable<MetricPoint> PointsOf(EventScalar scalar, string below)
    {
        var isWanted = false;
        var place = $"{collectorPath.TrimEnd('/')}/{below}";
        foreach (var name in metricNames.Where(name => Is(name, scalar.Tag, place)))
        {
            isWanted = true;
            yield return new(name, scalar.Value, scalar.Time) { Step = scalar.Step };
        }

        if (!isWanted)
        {
            _findings.AddNearMiss(below + scalar.Tag);
        }
    }

    private static bool Is(string metric, string tag, string place) =>
        metric == tag
        || (metric.EndsWith($"/{tag}", StringComparison.Ordinal)
            && place.EndsWith($"/{metric[..^tag.Length].TrimStart('/')}", StringComparison.Ordinal));
}
