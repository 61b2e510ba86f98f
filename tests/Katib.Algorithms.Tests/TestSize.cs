namespace Katib.Algorithms.Tests;

/// <summary>
/// How much the statistical and the generated tests try: <c>KATIB_TEST_SIZE</c> is <c>small</c> or <c>full</c>.
/// </summary>
internal static class TestSize
{
    public static int Draws => Of(small: 10_000, full: 200_000);

    public static int Cases => Of(small: 100, full: 2_000);

    private static bool IsFull { get; } = Environment.GetEnvironmentVariable("KATIB_TEST_SIZE") switch
    {
        null or "" or "small" => false,
        "full" => true,
        var other => throw new InvalidOperationException($"KATIB_TEST_SIZE is '{other}'; set it to small or full."),
    };

    public static int Of(int small, int full) => IsFull ? full : small;
}
