namespace Katib.Coordinator.Tests;

/// <summary>How much is tried, from KATIB_TEST_SIZE: <c>small</c> in CI, <c>full</c> for the issue's own numbers.</summary>
internal static class TestSize
{
    public static int Of(int small, int full) =>
        Environment.GetEnvironmentVariable("KATIB_TEST_SIZE") is "full" ? full : small;
}
