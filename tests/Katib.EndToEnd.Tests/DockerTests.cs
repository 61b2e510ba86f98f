using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary><c>katib run --runner docker</c>: trials as containers.</summary>
public sealed class DockerTests
{
    private const string Image = "busybox:latest";

    [Fact]
    public async Task Killed_at_random_moments_every_parameter_set_runs_to_its_end_exactly_once_and_no_container_is_left()
    {
        await DockerHere.SkipWithoutAsync(Image);
        var kills = TestSize.Of(small: 3, full: 50);
        var trials = TestSize.Of(small: 9, full: 200);
        const string Name = "ledger-killed";
        using var place = new Workplace();
        var ledger = Manifests.LedgerInContainers(
            "random", trials, parallel: 3, seconds: TestSize.Of(small: 1, full: 3), place.Folder, values: trials);
        place.Write("ledger.yaml", ledger.Replace("name: ledger\nspec", $"name: {Name}\nspec", StringComparison.Ordinal));
        var moments = new double[kills];
        new Philox(7).Fill(0, moments);

        foreach (var moment in moments)
        {
            // From the first sign of life on: a machine may be slow.
            var before = Ledger(place).Length;
            using var katib = place.Start("katib.dll", "run", "ledger.yaml", "--runner", "docker");
            await Workplace.UntilAsync("a trial goes on", () => Ledger(place).Length > before || katib.HasExited);
            await Task.Delay(TimeSpan.FromSeconds(moment * 2), TestContext.Current.CancellationToken);
            if (!katib.HasExited)
            {
                await Workplace.SignalAsync(katib, "KILL");
                _ = (await Workplace.EndAsync(katib)).Expect(137);
            }
        }

        // What was begun in containers goes on in containers, without being told.
        var last = (await place.KatibAsync("run", "ledger.yaml", "--output", "json")).Expect(0);

        var status = JsonNode.Parse(last.Output)!["status"]!;
        var ends = Ledger(place).Where(static l => l.StartsWith("end", StringComparison.Ordinal)).ToArray();
        Assert.Equal(trials, (int)status["trialsSucceeded"]!);
        Assert.Equal(trials, ends.Length);
        Assert.Equal(trials, ends.Distinct().Count());
        Assert.Empty(await DockerHere.LeftOfAsync(Name));
    }

    [Fact]
    public async Task Interrupted_the_containers_stop_and_the_log_outlives_them()
    {
        await DockerHere.SkipWithoutAsync(Image);
        const string Name = "ledger-interrupted";
        using var place = new Workplace();
        var ledger = Manifests.LedgerInContainers("random", trials: 2, parallel: 2, seconds: 2, place.Folder);
        place.Write("ledger.yaml", ledger.Replace("name: ledger\nspec", $"name: {Name}\nspec", StringComparison.Ordinal));

        using (var katib = place.Start("katib.dll", "run", "ledger.yaml", "--runner", "docker"))
        {
            await Workplace.UntilAsync("two trials run", () => Ledger(place).Length >= 2);
            await Workplace.InterruptAsync(katib);
            _ = (await Workplace.EndAsync(katib)).Expect(130);
        }

        Assert.Empty(await DockerHere.LeftOfAsync(Name));
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var logs = (await place.KatibAsync("logs", $"{Name}-0001")).Expect(0);
        Assert.StartsWith("loss=", logs.Output, StringComparison.Ordinal);
        _ = (await place.KatibAsync("delete", Name)).Expect(0);
        Assert.Empty(await DockerHere.LeftOfAsync(Name));
    }

    [Fact]
    public async Task The_containers_of_failed_trials_stay_if_they_are_to_until_the_experiment_is_deleted()
    {
        await DockerHere.SkipWithoutAsync(Image);
        const string Name = "ledger-kept";
        using var place = new Workplace();
        var ledger = Manifests.LedgerInContainers("grid", trials: 3, parallel: 2, seconds: 0, place.Folder, values: 3);
        place.Write("ledger.yaml", ledger
            .Replace("name: ledger\nspec", $"name: {Name}\nspec", StringComparison.Ordinal)
            .Replace("echo \"end $X $K\"", "test $K = 1 && exit 3; echo \"end $X $K\"", StringComparison.Ordinal));

        var run = await place.KatibAsync("run", "ledger.yaml", "--runner", "docker", "--keep", "failed", "-o", "json");

        var status = JsonNode.Parse(run.Expect(0).Output)!["status"]!;
        Assert.Equal((2, 1), ((int)status["trialsSucceeded"]!, (int)status["trialsFailed"]!));
        var left = Assert.Single((await DockerHere.LeftOfAsync(Name)).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("3\n", (await DockerHere.AskAsync("inspect", "--format", "{{.State.ExitCode}}", left)).Expect(0).Output);
        _ = (await place.KatibAsync("delete", Name)).Expect(0);
        Assert.Empty(await DockerHere.LeftOfAsync(Name));
    }

    [Fact]
    public async Task What_was_begun_in_containers_goes_on_in_containers_or_says_so()
    {
        await DockerHere.SkipWithoutAsync(Image);
        using var place = new Workplace();
        var ledger = Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0, resumePolicy: "LongRunning");
        place.Write("ledger.yaml", ledger.Replace("busybox:1.36", Image, StringComparison.Ordinal));
        _ = (await place.KatibAsync("run", "ledger.yaml", "--runner", "docker")).Expect(0);

        var other = (await place.KatibAsync("run", "ledger.yaml", "--max-trials", "2", "--runner", "process")).Expect(2);
        var same = (await place.KatibAsync("run", "ledger.yaml", "--max-trials", "2")).Expect(0);

        Assert.Contains("was begun with --runner docker", other.Error, StringComparison.Ordinal);
        Assert.Contains("2 trials", same.Output, StringComparison.Ordinal);
        Assert.Empty(Ledger(place));
    }

    [Fact]
    public async Task The_shell_example_runs_in_containers()
    {
        await DockerHere.SkipWithoutAsync(Image);
        using var place = new Workplace();

        var run = await place.KatibAsync(
            "run", Path.Combine(Workplace.Repository, "examples", "shell.yaml"), "--runner", "docker", "--max-trials", "6",
            "--store", place.PathOf("katib.db"), "-o", "json");

        var status = JsonNode.Parse(run.Expect(0).Output)!["status"]!;
        Assert.NotNull(status["currentOptimalTrial"]);
        Assert.Null(status["trialsFailed"]);
        Assert.Null(status["trialMetricsUnavailable"]);
        Assert.Empty(await DockerHere.LeftOfAsync("shell"));
    }

    [Fact]
    public async Task Without_a_daemon_the_command_says_what_to_do()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.LedgerInContainers("random", trials: 1, parallel: 1, seconds: 0, place.Folder));

        using var katib = place.Start(
            new Dictionary<string, string> { ["DOCKER_HOST"] = "tcp://127.0.0.1:1" }, "katib.dll", "run", "ledger.yaml", "--runner", "docker");
        var said = (await Workplace.EndAsync(katib)).Expect(2);

        Assert.Contains("Docker does not answer", said.Error, StringComparison.Ordinal);
        Assert.Contains("DOCKER_HOST", said.Error, StringComparison.Ordinal);
    }

    private static string[] Ledger(Workplace place) =>
        File.Exists(place.PathOf("ledger.txt")) ? File.ReadAllLines(place.PathOf("ledger.txt")) : [];
}
