namespace Katib.Containers.Tests;

/// <summary>How much is tried, from KATIB_TEST_SIZE: <c>small</c> in CI, <c>full</c> for the issue's own numbers.</summary>
internal static class TestSize
{
    /// <summary>Whether the tests that take many minutes run too.</summary>
    public static bool IsFull => Environment.GetEnvironmentVariable("KATIB_TEST_SIZE") is "full";

    public static int Of(int small, int full) => IsFull ? full : small;
}
