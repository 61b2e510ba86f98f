using System.Globalization;
using System.Text;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>Says how a trial ended, with the last words of its log where it failed.</summary>
internal static class ExitMessage
{
    private const int MaxLines = 20;
    private const int MaxBytes = 8 * 1024;
    private const int LongestLine = 120;

    public static TrialExit Of(int code, string log) => new(
        TrialExitKind.Exited,
        code,
        $"The trial's program {(code is 0 ? "ended by itself" : Failure(code))}.{LastWords(log)}");

    /// <summary>How a collector's container ended, which reports by itself.</summary>
    public static string OfCollector(int code, string log) =>
        code is 0 ? "The metrics collector ended by itself." : $"The metrics collector {Failure(code)}.{LastWords(log)}";

    public static TrialExit OutOfMemory(int code, string limit, string log) => new(
        TrialExitKind.OutOfMemory,
        code,
        (limit.Length > 0
            ? $"The trial's program was killed because it needed more memory than its limit of {limit}; "
                + "raise resources.limits.memory, or let it need less."
            : "The trial's program was killed because the machine had no more memory; run fewer trials at once, "
                + "or let it need less.")
            + LastWords(log));

    public static TrialExit DeadlineExceeded(TimeLimit? limit, string log) => new(
        limit is { IsTimeout: true } ? TrialExitKind.TimedOut : TrialExitKind.DeadlineExceeded,
        null,
        "The trial ran for longer than "
            + limit switch
            {
                { IsTimeout: true } => $"the {DurationText.Of(limit.Span)} of its timeout",
                { } deadline => string.Create(
                    CultureInfo.InvariantCulture, $"its activeDeadlineSeconds of {deadline.Span.TotalSeconds}"),
                null => "its activeDeadlineSeconds",
            }
            + $" and was stopped.{LastWords(log)}");

    public static TrialExit Lost(string log) => new(
        TrialExitKind.Lost,
        null,
        "The trial ended without an exit code: it was stopped, what ran it was killed, or the machine restarted."
            + LastWords(log));

    public static TrialExit FolderRemoved(string folder) => new(
        TrialExitKind.Lost,
        null,
        $"The trial's folder '{folder}' was removed while it ran, and with it its log and its exit code.");

    public static TrialExit NotStarted(string why) => new(TrialExitKind.NotStarted, null, why);

    /// <summary>The beginning of the last line of a log; null when there is none.</summary>
    public static string? LastLine(string log) =>
        LastLines(log) is [.., var last] ? (last.Length > LongestLine ? $"{last[..LongestLine]}..." : last) : null;

    private static string Failure(int code) =>
        code > 128 && SignalName(code - 128) is { } name
            ? string.Create(CultureInfo.InvariantCulture, $"was ended by signal {name} ({code - 128})")
            : string.Create(CultureInfo.InvariantCulture, $"failed with exit code {code}");

    /// <summary>The name of a signal by this system's numbers.</summary>
    private static string? SignalName(int signal) => signal switch
    {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        7 when OperatingSystem.IsLinux() => "SIGBUS",
        10 => OperatingSystem.IsLinux() ? "SIGUSR1" : "SIGBUS",
        12 => OperatingSystem.IsLinux() ? "SIGUSR2" : "SIGSYS",
        31 => OperatingSystem.IsLinux() ? "SIGSYS" : "SIGUSR2",
        30 when OperatingSystem.IsMacOS() => "SIGUSR1",
        _ => null,
    };

    /// <summary>The end of a log, as the end of a sentence.</summary>
    public static string LastWords(string log)
    {
        var lines = LastLines(log);
        return lines.Count is 0 ? " It printed nothing." : $" Its last words:\n{string.Join('\n', lines)}";
    }

    private static List<string> LastLines(string log)
    {
        if (!File.Exists(log))
        {
            return [];
        }

        using var file = File.OpenHandle(log, share: FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(file);
        var bytes = new byte[Math.Min(length, MaxBytes)];
        var read = RandomAccess.Read(file, bytes, length - bytes.Length);
        var lines = new List<string>();
        var splitter = new LineSplitter(LineSplitter.DefaultLimit);
        splitter.Split(bytes.AsSpan(0, read), lines);
        splitter.Finish(lines);
        return [.. lines.TakeLast(MaxLines).Select(Printable)];
    }

    /// <summary>A terminal is not to obey what a program printed.</summary>
    private static string Printable(string line)
    {
        var text = new StringBuilder(line.Length);
        foreach (var letter in line)
        {
            _ = char.IsControl(letter) && letter is not '\t' ? text : text.Append(letter);
        }

        return text.ToString();
    }
}
