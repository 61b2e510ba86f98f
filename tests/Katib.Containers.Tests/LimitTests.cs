using System.Globalization;
using System.Net;
using Grpc.Net.Client;
using Katib.Driver;
using Wire = Api.V1.Beta1;

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

        Assert.True(report.Succeeded);
        Assert.Equal(1000, report.Trials.Length);
        Assert.Empty(report.Problems.Concat(report.Duplicates).Concat(report.Refusals));
        await AssertUnharmedAsync(service, algorithm);
    }

    [Theory]
    [InlineData("medianstop")]
    [InlineData("asha")]
    public async Task Rules_from_a_thousand_trials_of_a_thousand_values_are_found_inside_the_same_limits(string rule)
    {
        await images.BuiltAsync();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a container takes is read from /proc and /sys.");
        var token = TestContext.Current.CancellationToken;
        var logs = new ObservationLogs();
        var request = new Wire.GetEarlyStoppingRulesRequest
        {
            Experiment = new()
            {
                Name = "wide",
                Spec = new()
                {
                    Objective = new() { Type = Wire.ObjectiveType.Minimize, ObjectiveMetricName = "loss" },
                    EarlyStopping = new() { AlgorithmName = rule },
                },
            },
        };
        for (var i = 0; i < 1000; i++)
        {
            var trial = string.Create(CultureInfo.InvariantCulture, $"wide-{i}");
            logs.Of[trial] = [.. Enumerable.Range(1, 1000).Select(step => ((1.0 / step) + i).ToString(CultureInfo.InvariantCulture))];
            request.Trials.Add(new Wire.Trial
            {
                Name = trial,
                Status = new()
                {
                    Condition = Wire.TrialStatus.Types.TrialConditionType.Succeeded,
                    CompletionTime = "2026-01-31T12:00:00Z",
                },
            });
        }

        // Where containers find this machine.
        var gateway = await DockerCommand.RunAsync(
            token, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge");
        await using var manager = await logs.ServeAsync(IPAddress.Parse(gateway), token);
        request.DbManagerAddress = new Uri(manager.Urls.Single()).Authority;
        await using var service = await ContainerReplica.StartAsync(Images.OfStopping, token);
        using var channel = GrpcChannel.ForAddress(service.Address);
        var client = new Wire.EarlyStopping.EarlyStoppingClient(channel);

        var first = await client.GetEarlyStoppingRulesAsync(request, cancellationToken: token);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(first, await client.GetEarlyStoppingRulesAsync(request, cancellationToken: token));
        }

        Assert.NotEmpty(first.EarlyStoppingRules);
        Assert.Equal(1000, logs.Calls.Count);
        await AssertUnharmedAsync(service, rule);
    }

    private static async Task AssertUnharmedAsync(ContainerReplica service, string algorithm)
    {
        var token = TestContext.Current.CancellationToken;
        var peak = await service.PeakMebibytesAsync(token);
        TestContext.Current.SendDiagnosticMessage(
            "{0}: {1} MiB at its peak", algorithm, peak.ToString("0.0", CultureInfo.InvariantCulture));
        Assert.Equal("true", await service.InspectAsync(".State.Running", token));
        Assert.Equal("false", await service.InspectAsync(".State.OOMKilled", token));
        Assert.Equal("0", await service.InspectAsync(".RestartCount", token));
        Assert.InRange(peak, 1, 90);
    }
}
