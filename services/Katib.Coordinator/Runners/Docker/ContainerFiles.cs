using System.Globalization;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>What coordinators note in the folder of an attempt that is a container.</summary>
internal static class ContainerFiles
{
    private const string ClaimFile = "container";
    private const string EndFile = "end";

    // Not by its own name, which may be what a reader of the folder looks for.
    private const string DraftFile = ".draft";

    /// <summary>Whether the container was about to be started: when it is missing after that, it is lost.</summary>
    public static bool HasClaim(this AttemptFolder folder) => folder.Read(ClaimFile) is not null;

    /// <summary>Puts what is read in a file's place at once: no reader sees half of it.</summary>
    public static async Task ReplaceAsync(this Stream data, string path, CancellationToken cancellationToken)
    {
        var draft = Path.Combine(Path.GetDirectoryName(path)!, DraftFile);
        await using (var file = File.Create(draft))
        {
            await data.CopyToAsync(file, cancellationToken);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Written before the start.</summary>
    public static void WriteClaim(this AttemptFolder folder, string container) => folder.Write(ClaimFile, container);

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

    /// <summary>Written when the log is whole, and before the container is removed.</summary>
    public static void WriteEnd(this AttemptFolder folder, TrialExit exit) => folder.Write(
        EndFile,
        string.Create(CultureInfo.InvariantCulture, $"{exit.Kind} {exit.Code?.ToString(CultureInfo.InvariantCulture) ?? "-"}\n{exit.Message}"));
}
