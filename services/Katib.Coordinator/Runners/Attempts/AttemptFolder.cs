using System.Globalization;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>The folder of one attempt at a trial: all that coordinators know of it, across their lives.</summary>
/// <remarks>Every file is created whole or once, so a coordinator may be killed between any two of them.</remarks>
internal sealed class AttemptFolder(string path)
{
    private const string DeadlineFile = "deadline";
    private const string GpuFile = "gpu";
    private const string PortFile = "port";

    public string Path { get; } = path;

    /// <summary>What the program printed.</summary>
    public string OutputLog { get; } = System.IO.Path.Combine(path, "output.log");

    /// <summary>Stands for the metrics directory of Katib's containers.</summary>
    public string Metrics { get; } = System.IO.Path.Combine(path, "metrics");

    /// <summary>What was scraped of it, a value a line.</summary>
    public string ScrapedValues { get; } = System.IO.Path.Combine(path, "scraped.jsonl");

    /// <summary>What the collector's container printed.</summary>
    public string CollectorLog { get; } = System.IO.Path.Combine(path, "collector.log");

    /// <summary>How the collector's container ended, in a sentence.</summary>
    public string CollectorEnd { get; } = System.IO.Path.Combine(path, "collector.end");

    public static AttemptFolder Of(string root, string trial, int attempt) =>
        new(System.IO.Path.Combine(root, trial, attempt.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Every attempt at <paramref name="trial"/> below <paramref name="root"/>.</summary>
    public static IEnumerable<AttemptFolder> AllOf(string root, string trial) =>
        Subfolders(System.IO.Path.Combine(root, trial)).Select(static path => new AttemptFolder(path));

    /// <summary>Every attempt at every trial, with the trial's name.</summary>
    public static IEnumerable<(string Trial, AttemptFolder Folder)> All(string root) =>
        from trial in Subfolders(root)
        from attempt in Subfolders(trial)
        select (System.IO.Path.GetFileName(trial), new AttemptFolder(attempt));

    /// <summary>Refuses what cannot name a trial's folder.</summary>
    public static void ThrowIfNoName(string trial)
    {
        if (trial.Length is 0 || trial[0] is '.' || trial.AsSpan().ContainsAny('/', '\0'))
        {
            throw new ArgumentException($"'{trial}' is no name of a trial: it cannot name a folder.", nameof(trial));
        }
    }

    public void Create() => Directory.CreateDirectory(Metrics);

    public string FileOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Whether it is there at all.</summary>
    public bool Exists => Directory.Exists(Path);

    public bool DeadlineHasPassed => File.Exists(FileOf(DeadlineFile));

    /// <summary>Written before the kill, so that a coordinator that follows knows what the kill was for.</summary>
    public void MarkDeadline()
    {
        // Somebody may have removed it.
        _ = Directory.CreateDirectory(Path);
        File.WriteAllText(FileOf(DeadlineFile), string.Empty);
    }

    /// <summary>The device of the attempt; null when it has none.</summary>
    public string? ReadGpu() => Read(GpuFile) is { Length: > 0 } device ? device : null;

    /// <summary>Written before anything is started: the device is taken even if this process dies at once.</summary>
    public void WriteGpu(string device) => Write(GpuFile, device);

    /// <summary>The port on which the attempt serves its metrics; null when it has none.</summary>
    public int? ReadPort() =>
        int.TryParse(Read(PortFile), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    /// <summary>Written before anything is started: whoever adopts the attempt asks at the same port.</summary>
    public void WritePort(int port) => Write(PortFile, port.ToString(CultureInfo.InvariantCulture));

    /// <summary>The whole text of a file; null when there is none.</summary>
    public string? Read(string name)
    {
        try
        {
            return File.Exists(FileOf(name)) ? File.ReadAllText(FileOf(name)) : null;
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes a file whole, whatever happens meanwhile.</summary>
    public void Write(string name, string text)
    {
        var draft = FileOf(name + ".tmp");
        File.WriteAllText(draft, text);
        File.Move(draft, FileOf(name), overwrite: true);
    }

    private static IEnumerable<string> Subfolders(string path) =>
        Directory.Exists(path) ? Directory.EnumerateDirectories(path) : [];
}
