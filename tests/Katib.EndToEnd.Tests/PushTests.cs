using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary>Trials that push their metrics themselves.</summary>
public sealed class PushTests
{
    [Theory]
    [InlineData("[sh, push.sh]")]
    [InlineData("[python3, push.py]")]
    [InlineData("[dotnet, run, push.cs]")]
    public async Task The_samples_push_from_any_language(string command)
    {
        using var place = new Workplace();
        WriteSamples(place);
        place.Write("push.yaml", Example().Replace("[sh, push/push.sh]", command, StringComparison.Ordinal));

        var run = await place.KatibAsync("run", "push.yaml", "--max-trials", "2", "--parallel", "1", "--output", "json");

        AssertSucceeded(run.Expect(0), trials: 2);
    }

    [Fact]
    public async Task What_is_pushed_while_nobody_listens_is_pushed_again()
    {
        using var place = new Workplace();
        WriteSamples(place);
        place.Write("push.yaml", Example()
            .Replace("[sh, push/push.sh]", """[sh, -c, "touch begun.$KATIB_TRIAL_NAME; sleep 2; exec sh push.sh"]""", StringComparison.Ordinal));
        using (var katib = place.Start("katib.dll", "run", "push.yaml", "--max-trials", "2", "--parallel", "2"))
        {
            await Workplace.UntilAsync("two trials run", () => Directory.GetFiles(place.Folder, "begun.*").Length is 2);
            await Workplace.SignalAsync(katib, "KILL");
            _ = (await Workplace.EndAsync(katib)).Expect(137);
        }

        await Task.Delay(TimeSpan.FromSeconds(4), TestContext.Current.CancellationToken);
        var run = await place.KatibAsync("run", "push.yaml", "--max-trials", "2", "--parallel", "2", "--output", "json");

        AssertSucceeded(run.Expect(0), trials: 2);
        Assert.Equal(2, Directory.GetFiles(place.Folder, "begun.*").Length);
    }

    [Fact]
    public async Task A_container_pushes_to_the_machine_that_it_runs_on()
    {
        await DockerHere.SkipWithoutAsync("busybox:latest");
        using var place = new Workplace();
        place.Write("push.yaml", Example()
            .Replace("name: push", "name: push-docker", StringComparison.Ordinal)
            .Replace("image: curlimages/curl:latest", "image: busybox:latest\n                imagePullPolicy: Never", StringComparison.Ordinal)
            .Replace(
                "[sh, push/push.sh]",
                """[sh, -c, 'curl -fsS -H "Authorization: Bearer $KATIB_PUSH_TOKEN" -d loss=0.5 -d step=1 "$KATIB_PUSH_URL"']""",
                StringComparison.Ordinal));

        var run = await place.KatibAsync("run", "push.yaml", "--runner", "docker", "--max-trials", "2", "--output", "json");

        AssertSucceeded(run.Expect(0), trials: 2);
    }

    [Fact]
    public async Task Through_a_coordinator_that_is_killed_on_the_way()
    {
        using var place = new Workplace();
        WriteSamples(place);
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write("push.yaml", Example()
            .Replace("[sh, push/push.sh]", """[sh, -c, "touch begun.$KATIB_TRIAL_NAME; sleep 2; exec sh push.sh"]""", StringComparison.Ordinal));
        using var run = server.Start("run", "push.yaml", "--output", "json");
        await Workplace.UntilAsync("three trials run", () => Directory.GetFiles(place.Folder, "begun.*").Length >= 3);

        await server.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        await server.StartAgainAsync();

        AssertSucceeded((await Workplace.EndAsync(run)).Expect(0), trials: 6);
        Assert.Equal(6, Directory.GetFiles(place.Folder, "begun.*").Length);
    }

    private static void AssertSucceeded(Said run, int trials)
    {
        var status = JsonNode.Parse(run.Output)!["status"]!;
        Assert.Equal(trials, (int)status["trialsSucceeded"]!);
        Assert.Null(status["trialMetricsUnavailable"]);
    }

    private static string Example() => File.ReadAllText(Path.Combine(Workplace.Repository, "examples", "push.yaml"));

    private static void WriteSamples(Workplace place)
    {
        foreach (var sample in Directory.EnumerateFiles(Path.Combine(Workplace.Repository, "examples", "push")))
        {
            File.Copy(sample, place.PathOf(Path.GetFileName(sample)));
        }
    }
}
