[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(Katib.Containers.Tests.Images))]

namespace Katib.Containers.Tests;

/// <summary>
/// The images of the repository, built by compose when the first test wants them; with KATIB_TEST_IMAGES=built, those that
/// an earlier run has left.
/// </summary>
public sealed class Images
{
    private readonly Lazy<Task> _built = new(BuildAsync);

    public static TheoryData<string> Algorithms => ["random", "grid", "bayesian"];

    public static TheoryData<string> All =>
    [
        "katib-suggestion-random", "katib-suggestion-grid", "katib-suggestion-bayesian", "katib-earlystopping-medianstop", "katib-coordinator",
        "katib",
    ];

    /// <summary>The name of an algorithm's image.</summary>
    public static string Of(string algorithm) => $"katib-suggestion-{algorithm}:test";

    /// <summary>The name of the image that says when trials are to be ended early.</summary>
    public static string OfStopping => "katib-earlystopping-medianstop:test";

    /// <summary>Waits until all images are there; skips the test where they cannot be.</summary>
    public Task BuiltAsync()
    {
        Assert.SkipUnless(Compose.Missing is null, Compose.Missing ?? "");
        return _built.Value;
    }

    private static async Task BuildAsync()
    {
        if (Environment.GetEnvironmentVariable("KATIB_TEST_IMAGES") is not "built")
        {
            _ = (await new Compose("katib-build", "docker-compose.yml").RunAsync("--profile", "command", "build")).Expect(0);
        }
    }
}
