namespace Katib.Benchmarks.SideBySide;

/// <summary>The command <c>quality</c>: how good the points are that an optimiser finds, side by side with others.</summary>
internal static class QualityCommand
{
    private const string Usage = """
        quality problems [WORD]   lists problems, and checks what is said of their minima
        """;

    /// <summary>Runs one subcommand.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        switch (args)
        {
            case ["problems", .. var words]:
                return ProblemList.Print([.. (words is [] ? ["tune", "judge", "checks"] : words).SelectMany(static w => ProblemSets.Find(w))]);
            default:
                await Console.Error.WriteLineAsync(Usage);
                return 2;
        }
    }
}
