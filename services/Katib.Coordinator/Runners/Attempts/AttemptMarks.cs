using System.Globalization;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>What coordinators note in the folder of an attempt that runs elsewhere.</summary>
internal static class AttemptMarks
{
    private const string ClaimFile = "claim";
    private const string EndFile = "end";

    /// <summary>Whether what runs it was about to be started: when that is missing after it, it is lost.</summary>
    public static bool HasClaim(this AttemptFolder folder) => folder.Read(ClaimFile) is not null;

    /// <summary>Notes what runs it.</summary>
    public static void WriteClaim(this AttemptFolder folder, string id) => folder.Write(ClaimFile, id);

    /// <summary>How the attempt ended; null while it has not, or nobody has seen it.</summary>
    public static TrialExit? ReadEnd(this AttemptFolder folder)
    {
        if (folder.Read(EndFile)?.Split('\n', 2) is not [var head, var message]
            || head.Split(' ') is not [var kind, var code])
        {
            return null;
        }

        int? number = int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
        return new(Enum.Parse<TrialExitKind>(kind), number, message);
    }

    /// <summary>Written when the log is whole, and before what ran it is removed.</summary>
    public static void WriteEnd(this AttemptFolder folder, TrialExit exit) => folder.Write(
        EndFile,
        string.Create(CultureInfo.InvariantCulture, $"{exit.Kind} {exit.Code?.ToString(CultureInfo.InvariantCulture) ?? "-"}\n{exit.Message}"));
}
