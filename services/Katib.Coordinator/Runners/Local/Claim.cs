using System.Globalization;
using Katib.Coordinator.Runners.Attempts;

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

/// <summary>What supervisors leave in the folders of their attempts.</summary>
internal static class SupervisorFiles
{
    private const string ClaimFile = "claim";
    private const string ExitFile = "exit";

    /// <summary>Null while nobody has claimed the attempt.</summary>
    public static Claim? ReadClaim(this AttemptFolder folder)
    {
        if (folder.Read(ClaimFile) is not { } text)
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
    public static void Bar(this AttemptFolder folder)
    {
        var path = folder.FileOf(ClaimFile);
        try
        {
            using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
            file.Write("stopped\n"u8);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Somebody has it: a supervisor, or a coordinator that stopped the attempt before.
        }
    }

    /// <summary>The exit code that the supervisor recorded; null when it has not, or was killed before.</summary>
    public static int? ReadExit(this AttemptFolder folder) =>
        int.TryParse(folder.Read(ExitFile), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var code)
            ? code
            : null;
}
