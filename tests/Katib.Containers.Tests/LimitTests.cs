using System.Globalization;
using Katib.Driver;

namespace Katib.Containers.Tests;

/// <summary>The services inside the limits that Katib gives them.</summary>
public sealed class LimitTests(Images images)
{
    [Theory]
    [InlineData("random", "random")]
    [InlineData("grid", "grid")]
    [InlineData("bayesian", "bayesianoptimization")]
    public async Task A_thousand_trials_of_20_parameters_pass_inside_100_MiB_and_half_a_processor(string image, string algorithm)
    {
        await images.BuiltAsync();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a container takes is read from /proc and /sys.");
        var token = TestContext.Current.CancellationToken;
        await using var service = await ContainerReplica.StartAsync(Images.Of(image), token);
        var driver = new ControllerDriver
        {
            Experiment = WideExperiment.Of(algorithm, parameters: 20, trials: 1000, parallel: TestSize.Of(small: 60, full: 10)),
            Seed = 1,
            Objective = WideExperiment.Loss,
        };

        var report = await driver.RunAsync([service], token);

        var peak = await service.PeakMebibytesAsync(token);
        TestContext.Current.SendDiagnosticMessage(
            "{0}: {1} MiB at its peak", algorithm, peak.ToString("0.0", CultureInfo.InvariantCulture));
        Assert.True(report.Succeeded);
        Assert.Equal(1000, report.Trials.Length);
        Assert.Empty(report.Problems.Concat(report.Duplicates).Concat(report.Refusals));
        Assert.Equal("true", await service.InspectAsync(".State.Running", token));
        Assert.Equal("false", await service.InspectAsync(".State.OOMKilled", token));
        Assert.Equal("0", await service.InspectAsync(".RestartCount", token));
        Assert.InRange(peak, 1, 90);
    }
}
