using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary>Trials that do worse than others are ended early, on every runner, and what they have reported is kept.</summary>
public sealed class EarlyStoppingTests
{
    [Fact]
    public async Task A_trial_that_does_worse_than_the_median_is_ended_and_counts_with_what_it_has_reported()
    {
        using var place = new Workplace();
        place.Write("descent.yaml", Descent("medianstop"));

        var run = await place.KatibAsync("run", "descent.yaml", "--output", "json");

        AssertStopped(run);
        Assert.Empty(place.TrialProcesses());
        var status = (await place.KatibAsync("status", "descent")).Expect(0).Output;
        Assert.Contains("TrialEarlyStopped", status, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Successive_halving_ends_trials_as_well()
    {
        using var place = new Workplace();
        place.Write("descent.yaml", Descent("asha", ("reduction_factor", "2")));

        AssertStopped(await place.KatibAsync("run", "descent.yaml", "--output", "json"));
    }

    [Fact]
    public async Task Containers_are_ended_likewise()
    {
        await DockerHere.SkipWithoutAsync("busybox:latest");
        using var place = new Workplace();
        place.Write("descent.yaml", Descent("medianstop")
            .Replace("name: descent", "name: descent-docker", StringComparison.Ordinal)
            .Replace("image: busybox:1.36", "image: busybox:latest\n                imagePullPolicy: Never", StringComparison.Ordinal));

        AssertStopped(await place.KatibAsync("run", "descent.yaml", "--runner", "docker", "--output", "json"));
        Assert.Empty(await DockerHere.LeftOfAsync("descent-docker"));
    }

    [Fact]
    public async Task A_coordinator_asks_the_service_that_it_was_told_and_goes_on_without_it_when_it_is_away()
    {
        using var place = new Workplace();
        var port = Workplace.FreePort();
        using var stopping = place.Start("Katib.EarlyStopping.MedianStop.dll", "--port", $"{port}");
        await using var server = await ListeningCoordinator.StartAsync(
            place, options: [$"--Coordinator:Endpoints:medianstop=http://127.0.0.1:{port}"]);
        place.Write("descent.yaml", Descent("medianstop"));

        AssertStopped(await server.KatibAsync("run", "descent.yaml", "--output", "json"));

        place.Write("descent.yaml", Descent("medianstop").Replace("name: descent", "name: orphan", StringComparison.Ordinal));
        using var run = server.Start("run", "descent.yaml", "--output", "json");
        await Workplace.UntilAsync("the second experiment runs", async () =>
            (await server.KatibAsync("status", "orphan")) is { ExitCode: 0, Output: var said } && said.Contains("Running", StringComparison.Ordinal));
        await Workplace.SignalAsync(stopping, "KILL");
        _ = await Workplace.EndAsync(stopping);

        Assert.Equal("True", SucceededOf((await Workplace.EndAsync(run)).Expect(0)));
    }

    [Fact]
    public async Task Wrong_settings_are_named_before_anything_is_run()
    {
        using var place = new Workplace();
        place.Write("descent.yaml", Descent("medianstop", ("start_step", "0")));
        var settings = (await place.KatibAsync("validate", "descent.yaml")).Expect(2).Output;
        place.Write("descent.yaml", Descent("medianstopp"));
        var name = (await place.KatibAsync("run", "descent.yaml")).Expect(2).Error;

        Assert.Contains("spec.earlyStopping.algorithmSettings[0].value '0': must be at least 1", settings, StringComparison.Ordinal);
        Assert.Contains("did you mean 'medianstop'?", name, StringComparison.Ordinal);
    }

    private static void AssertStopped(Said run)
    {
        var status = JsonNode.Parse(run.Expect(0).Output)!["status"]!;
        Assert.Equal("True", SucceededOf(run));
        Assert.InRange((int)status["trialsEarlyStopped"]!, 1, 7);
        Assert.Equal(8, (int)status["trialsEarlyStopped"]! + (int)status["trialsSucceeded"]!);

        // The best one has run to its end: x is 1 there.
        var best = status["currentOptimalTrial"]!;
        Assert.Equal("1", (string)best["parameterAssignments"]![0]!["value"]!);
        Assert.Equal("0.1", (string)best["observation"]!["metrics"]![0]!["latest"]!);
    }

    private static string SucceededOf(Said run) => (string)JsonNode.Parse(run.Output)!["status"]!["conditions"]!.AsArray()
        .Last(static c => (string?)c!["type"] is "Succeeded")!["status"]!;

    /// <summary>Eight trials, by grid from the best on; each tells ten times that its loss falls towards x - 0.9.</summary>
    private static string Descent(string rule, params (string Name, string Value)[] settings) => $$$"""
        apiVersion: kubeflow.org/v1beta1
        kind: Experiment
        metadata:
          name: descent
        spec:
          objective:
            type: minimize
            objectiveMetricName: loss
          algorithm:
            algorithmName: random
            algorithmSettings: [{ name: random_state, value: "1" }]
          earlyStopping:
            algorithmName: {{{rule}}}
            algorithmSettings: [{{{string.Join(", ", settings.Select(static s => $"{{ name: {s.Name}, value: \"{s.Value}\" }}"))}}}]
          parallelTrialCount: 1
          maxTrialCount: 8
          parameters:
            - name: x
              parameterType: int
              feasibleSpace: { min: "1", max: "8" }
          trialTemplate:
            primaryContainerName: main
            trialParameters: [{ name: x, reference: x }]
            trialSpec:
              apiVersion: batch/v1
              kind: Job
              spec:
                template:
                  spec:
                    containers:
                      - name: main
                        image: busybox:1.36
                        command:
                          - sh
                          - -c
                          - for i in 10 9 8 7 6 5 4 3 2 1; do awk -v x=${trialParameters.x} -v i=$i 'BEGIN { print "loss=" (x - 0.9) * i }'; sleep 0.4; done
                    restartPolicy: Never
        """;
}
