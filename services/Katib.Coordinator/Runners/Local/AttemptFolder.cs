using System.Globalization;

namespace Katib.Coordinator.Runners.Local;

/// <summary>Who has the right to run an attempt, as its folder says.</summary>
internal abstract record Claim
{
    private Claim() { }

    /// <summary>A supervisor has created the claim and not yet written its name into it.</summary>
    public sealed record Unsigned : Claim;

    /// <summary>A coordinator took it, so that no supervisor ever runs this attempt.</summary>
    public sealed record Barred : Claim;

    /// <summary>A supervisor runs it, or did.</summary>
    public sealed record Signed(int Supervisor, DateTimeOffset Started) : Claim;
}

/// <summary>The folder of one attempt at a trial: all that coordinators know of it, across their lives.</summary>
/// <remarks>Every file is created whole or once, so a coordinator may be killed between any two of them.</remarks>
internal sealed class AttemptFolder(string path)
{
    public string Path { get; } = path;

    /// <summary>What the program printed.</summary>
    public string OutputLog { get; } = System.IO.Path.Combine(path, "output.log");

    /// <summary>Stands for the metrics directory of Katib's containers.</summary>
    public string Metrics { get; } = System.IO.Path.Combine(path, "metrics");

    private string ClaimFile => System.IO.Path.Combine(Path, "claim");

    private string ExitFile => System.IO.Path.Combine(Path, "exit");

    private string DeadlineFile => System.IO.Path.Combine(Path, "deadline");

    private string GpuFile => System.IO.Path.Combine(Path, "gpu");

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

    public void Create() => Directory.CreateDirectory(Metrics);

    /// <summary>Null while nobody has claimed the attempt.</summary>
    public Claim? ReadClaim()
    {
        if (ReadText(ClaimFile) is not { } text)
        {
            return null;
        }

        // The line break comes last: without it the writer is still writing.
        if (!text.EndsWith('\n'))
        {
            return new Claim.Unsigned();
        }

        return text.TrimEnd('\n').Split(' ') is [var pid, var started]
            && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var supervisor)
            && long.TryParse(started, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                ? new Claim.Signed(supervisor, DateTimeOffset.FromUnixTimeSeconds(seconds))
                : new Claim.Barred();
    }

    /// <summary>Takes the claim, where it is free, away from every supervisor still to come.</summary>
    public void Bar()
    {
        try
        {
            using var file = new FileStream(ClaimFile, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
            file.Write("stopped\n"u8);
        }
        catch (IOException) when (File.Exists(ClaimFile))
        {
            // Somebody has it: a supervisor, or a coordinator that stopped the attempt before.
        }
    }

    /// <summary>The exit code that the supervisor recorded; null when it has not, or was killed before.</summary>
    public int? ReadExit() =>
        int.TryParse(ReadText(ExitFile), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var code)
            ? code
            : null;

    public bool DeadlineHasPassed => File.Exists(DeadlineFile);

    /// <summary>Written before the kill, so that a coordinator that follows knows what the kill was for.</summary>
    public void MarkDeadline() => File.WriteAllText(DeadlineFile, string.Empty);

    /// <summary>The device of the attempt; null when it has none.</summary>
    public string? ReadGpu() => ReadText(GpuFile) is { Length: > 0 } device ? device : null;

    /// <summary>Written before the supervisor starts: the device is taken even if this process dies at once.</summary>
    public void WriteGpu(string device)
    {
        var draft = GpuFile + ".tmp";
        File.WriteAllText(draft, device);
        File.Move(draft, GpuFile, overwrite: true);
    }

    private static IEnumerable<string> Subfolders(string path) =>
        Directory.Exists(path) ? Directory.EnumerateDirectories(path) : [];

    private static string? ReadText(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllText(file) : null;
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
