using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary>Every example of the repository, run as its reader would run it.</summary>
public sealed class ExampleTests
{
    public static TheoryData<string> Examples =>
        [.. Directory.EnumerateFiles(Path.Combine(Workplace.Repository, "examples"), "*.yaml")
            .Select(static f => Path.GetFileName(f)!)
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task An_example_runs_to_success(string file)
    {
        Assert.SkipWhen(file is "sklearn.yaml" && !await HasScikitLearnAsync(), "Python with scikit-learn is not installed.");
        using var place = new Workplace();

        var run = await place.KatibAsync(
            "run", Path.Combine(Workplace.Repository, "examples", file), "--store", place.PathOf("katib.db"), "-o", "json");

        var status = JsonNode.Parse(run.Expect(0).Output)!["status"]!;
        Assert.NotNull(status["currentOptimalTrial"]);
        Assert.Null(status["trialsFailed"]);
        Assert.Null(status["trialMetricsUnavailable"]);
        Assert.Empty(place.TrialProcesses());
        if (file is "digits.yaml")
        {
            var best = status["currentOptimalTrial"]!["observation"]!["metrics"]!.AsArray()
                .Single(static m => (string?)m!["name"] is "accuracy")!;
            Assert.True((int)status["trialsSucceeded"]! >= 12);
            Assert.True(double.Parse((string)best["latest"]!, CultureInfo.InvariantCulture) > 0.9);
        }
    }

    private static async Task<bool> HasScikitLearnAsync()
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", ["-c", "import sklearn"])
            {
                RedirectStandardError = true,
            })!;
            await python.WaitForExitAsync();
            return python.ExitCode is 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
