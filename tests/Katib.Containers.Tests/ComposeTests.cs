using System.Diagnostics;
using System.Text.Json.Nodes;
using Katib.Driver;

namespace Katib.Containers.Tests;

/// <summary>docker-compose.yml as its reader uses it.</summary>
public sealed class ComposeTests(Images images)
{
    private const string Socket = "/var/run/docker.sock";

    /// <summary>In a check the machine builds and tests at the same time; alone it is the time that users are promised.</summary>
    private static readonly TimeSpan HealthyWithin = TimeSpan.FromSeconds(TestSize.Of(small: 120, full: 30));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_profile_is_understood()
    {
        Assert.SkipUnless(Compose.Missing is null, Compose.Missing ?? "");

        var config = await new Compose("katib-config", "docker-compose.yml")
            .RunAsync("--profile", "postgres", "--profile", "telemetry", "--profile", "command", "config");

        var services = Recipes.Parse(config.Expect(0).Output).Single()["services"]!.AsObject();
        Assert.Equal(
            ["bayesianoptimization", "collector", "coordinator", "grid", "jaeger", "katib", "medianstop", "postgres", "prometheus", "random"],
            services.Select(static s => s.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Up_becomes_healthy_runs_the_examples_and_goes_down_without_a_trace()
    {
        await images.BuiltAsync();
        var compose = new Compose("katib-test", "docker-compose.yml", "examples/digits/docker-compose.yml");
        _ = (await compose.RunAsync("build", "coordinator")).Expect(0);
        try
        {
            var begun = Stopwatch.GetTimestamp();
            _ = (await compose.RunAsync("up", "--detach")).Expect(0);
            var coordinator = await compose.ContainerAsync("coordinator");
            await Until.HoldsAsync("the coordinator is healthy", async () =>
                (string?)(await InspectAsync(coordinator))["State"]!["Health"]!["Status"] is "healthy");
            var healthy = Stopwatch.GetElapsedTime(begun);

            await AssertHardenedAsync(compose);
            var digits = await compose.RunAsync("run", "--rm", "katib", "run", "examples/digits.yaml", "-o", "json");
            var bayesian = await RunShellAsync(compose, "bayesianoptimization");
            var grid = await RunShellAsync(compose, "grid", "earlyStopping: { algorithmName: medianstop }");

            var status = JsonNode.Parse(digits.Expect(0).Output)!["status"]!;
            Assert.Equal(15, (int?)status["trialsSucceeded"]);
            Assert.Contains("12 trials", bayesian.Expect(0).Output, StringComparison.Ordinal);
            Assert.Contains("12 trials", grid.Expect(0).Output, StringComparison.Ordinal);
            TestContext.Current.SendDiagnosticMessage("healthy after {0}", healthy);
            Assert.InRange(healthy, TimeSpan.Zero, HealthyWithin);
        }
        finally
        {
            _ = await compose.RunAsync("down", "--volumes");
        }

        await AssertGoneAsync(compose.Label);
    }

    [Fact]
    public async Task Trials_run_as_siblings_through_the_socket_of_Docker_and_none_is_left()
    {
        Assert.SkipUnless(File.Exists(Socket), $"There is no {Socket} to mount.");
        await images.BuiltAsync();
        var group = (await Command.RunAsync("stat", "-c", "%g", Socket)).Expect(0).Output.Trim();
        var compose = new Compose("katib-siblings", "docker-compose.yml", "examples/docker-socket/docker-compose.yml")
        {
            Environment = { ["DOCKER_GROUP"] = group },
        };
        try
        {
            _ = (await compose.RunAsync("up", "--detach")).Expect(0);
            var run = await RunShellAsync(compose, "random");
            var trial = (await compose.RunAsync("run", "--rm", "katib", "status", "shell-random", "-o", "json")).Expect(0);

            Assert.Contains("12 trials", run.Expect(0).Output, StringComparison.Ordinal);
            Assert.Equal(12, (int?)JsonNode.Parse(trial.Output)!["status"]!["trialsSucceeded"]);
            await AssertGoneAsync("katib.experiment=shell-random");
        }
        finally
        {
            _ = await compose.RunAsync("down", "--volumes");
        }

        await AssertGoneAsync(compose.Label);
    }

    private static async Task AssertGoneAsync(string label)
    {
        Assert.Empty(await DockerCommand.RunAsync(Token, "ps", "--all", "--quiet", "--filter", $"label={label}"));
        Assert.Empty(await DockerCommand.RunAsync(Token, "volume", "ls", "--quiet", "--filter", $"label={label}"));
        Assert.Empty(await DockerCommand.RunAsync(Token, "network", "ls", "--quiet", "--filter", $"label={label}"));
    }

    /// <summary>An experiment by some algorithm, whose worker is one command of the shell.</summary>
    private static async Task<Said> RunShellAsync(Compose compose, string algorithm, string more = "")
    {
        var folder = Directory.CreateTempSubdirectory("katib-compose-");
        try
        {
            var shell = Recipes.Read("examples/shell.yaml")
                .Replace("name: shell", $"name: shell-{algorithm}", StringComparison.Ordinal)
                .Replace("algorithmName: random", $"algorithmName: {algorithm}", StringComparison.Ordinal)
                .Replace("distribution: logUniform", "step: \"0.0001\"", StringComparison.Ordinal)
                .Replace("max: \"0.99\"", "max: \"0.99\"\n        step: \"0.01\"", StringComparison.Ordinal)
                .Replace("goal: 0.000001", "", StringComparison.Ordinal)
                .Replace("parallelTrialCount: 3", $"parallelTrialCount: 3\n  {more}", StringComparison.Ordinal)
                .Replace("image: busybox:1.37", "image: busybox:latest", StringComparison.Ordinal)
                .Replace("maxTrialCount: 30", "maxTrialCount: 12", StringComparison.Ordinal);
            var file = Path.Combine(folder.FullName, "experiment.yaml");
            await File.WriteAllTextAsync(file, shell, Token);
            if (!OperatingSystem.IsWindows())
            {
                // The user of the container is not the one who runs the tests.
                folder.UnixFileMode |= UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
            }

            return await compose.RunAsync(
                "run", "--rm", "--volume", $"{folder.FullName}:/experiments/test:ro", "katib", "run", "test/experiment.yaml");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task AssertHardenedAsync(Compose compose)
    {
        foreach (var service in new[] { "random", "grid", "bayesianoptimization", "medianstop", "coordinator" })
        {
            var inspected = await InspectAsync(await compose.ContainerAsync(service));
            var host = inspected["HostConfig"]!;

            Assert.True((bool?)host["ReadonlyRootfs"]);
            Assert.False((bool?)host["Privileged"]);
            Assert.Equal("ALL", (string?)Assert.Single(host["CapDrop"]!.AsArray()));
            Assert.Equal("no-new-privileges:true", (string?)Assert.Single(host["SecurityOpt"]!.AsArray()));
            Assert.NotEqual("0", (string?)inspected["Config"]!["User"]);
            if (service is "coordinator")
            {
                var port = Assert.Single(host["PortBindings"]!.AsObject()).Value!;
                Assert.Equal("127.0.0.1", (string?)Assert.Single(port.AsArray())!["HostIp"]);
            }
            else
            {
                Assert.Equal(100 * 1024 * 1024, (long?)host["Memory"]);
                Assert.Equal(500_000_000, (long?)host["NanoCpus"]);
                Assert.Empty(host["PortBindings"]?.AsObject() ?? []);
            }
        }
    }

    private static async Task<JsonNode> InspectAsync(string container) =>
        JsonNode.Parse(await DockerCommand.RunAsync(Token, "inspect", container))![0]!;
}
