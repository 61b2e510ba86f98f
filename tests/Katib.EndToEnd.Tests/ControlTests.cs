namespace Katib.EndToEnd.Tests;

/// <summary>An experiment under way is told what is wanted of it, through the store and through a coordinator.</summary>
public sealed class ControlTests
{
    [Fact]
    public async Task Through_the_store()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Waiting());
        using var run = place.Start("katib.dll", "run", "ledger.yaml");

        await ControlAsync(place, arguments => place.KatibAsync(arguments));
        _ = (await Workplace.EndAsync(run)).Expect(0);

        var late = (await place.KatibAsync("set", "ledger", "--max-trials", "9")).Expect(2);
        Assert.Contains("'ledger' has ended with ExperimentMaxTrialsReached", late.Error, StringComparison.Ordinal);
        Release(place, 5);
        _ = (await place.KatibAsync("run", "ledger.yaml", "--max-trials", "5", "--parallel", "1")).Expect(0);
    }

    [Fact]
    public async Task Through_a_coordinator()
    {
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write("ledger.yaml", Waiting());
        using var run = server.Start("run", "ledger.yaml");

        await ControlAsync(place, arguments => server.KatibAsync(arguments));
        _ = (await Workplace.EndAsync(run)).Expect(0);

        _ = (await server.KatibAsync("set", "ledger", "--max-trials", "5")).Expect(0);
        await BegunAsync(place, 5);
        Release(place, 5);
        await Workplace.UntilAsync(
            "the second end", async () => (await server.KatibAsync("status", "ledger")).Output.Contains("5 of 5 trials ended", StringComparison.Ordinal));
        Assert.Empty(place.TrialProcesses());
    }

    private static async Task ControlAsync(Workplace place, Func<string[], Task<Said>> katib)
    {
        await BegunAsync(place, 2);
        _ = (await katib(["pause", "ledger"])).Expect(0);
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        Release(place, 1);
        await Workplace.UntilAsync("the first end", async () => (await StatusAsync()).Contains("1 of 6 trials ended", StringComparison.Ordinal));
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        Assert.Equal(2, Begun(place));
        Assert.Contains("paused", await StatusAsync(), StringComparison.OrdinalIgnoreCase);

        // With one trial at once the second keeps the place until it is skipped.
        _ = (await katib(["set", "ledger", "--parallel", "1"])).Expect(0);
        _ = (await katib(["resume", "ledger"])).Expect(0);
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        Assert.Equal(2, Begun(place));
        _ = (await katib(["skip", "ledger", "ledger-0002"])).Expect(0);
        await BegunAsync(place, 3);
        _ = (await katib(["stop", "ledger", "ledger-0003"])).Expect(0);
        await BegunAsync(place, 4);
        var status = await StatusAsync();
        Assert.Contains("Killed", status, StringComparison.Ordinal);
        Assert.Contains("EarlyStopped", status, StringComparison.Ordinal);
        Assert.Contains("TrialStopped", status, StringComparison.Ordinal);

        // Below what has ended already: what runs, runs on, and nothing follows.
        _ = (await katib(["set", "ledger", "--max-trials", "2"])).Expect(0);
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        Assert.Contains("Running", await StatusAsync(), StringComparison.Ordinal);
        Release(place, 4);
        await Workplace.UntilAsync("the end", async () => (await StatusAsync()).Contains("Succeeded  4 of 2 trials ended", StringComparison.Ordinal));

        var nothing = (await katib(["set", "ledger"])).Expect(2);
        var ended = (await katib(["skip", "ledger", "ledger-0001"])).Expect(2);
        var unknown = (await katib(["skip", "ledger", "ledger-0099"])).Expect(2);
        Assert.Contains("Say what to change", nothing.Error, StringComparison.Ordinal);
        Assert.Contains("'ledger-0001' has ended already: Succeeded", ended.Error, StringComparison.Ordinal);
        Assert.Contains("no trial 'ledger-0099'", unknown.Error, StringComparison.Ordinal);

        async Task<string> StatusAsync() => (await katib(["status", "ledger"])).Expect(0).Output;
    }

    /// <summary>Trials that report at once and then wait for a file of their name.</summary>
    private static string Waiting() => Manifests.Ledger("random", trials: 6, parallel: 2, seconds: 0, resumePolicy: "LongRunning")
        .Replace("sleep 0", "echo loss=5; until [ -e go.$KATIB_TRIAL_NAME ]; do sleep 0.1; done", StringComparison.Ordinal);

    private static void Release(Workplace place, int trial) => place.Write($"go.ledger-{trial:0000}", "");

    private static int Begun(Workplace place) =>
        File.Exists(place.PathOf("ledger.txt"))
            ? File.ReadLines(place.PathOf("ledger.txt")).Count(static l => l.StartsWith("begin", StringComparison.Ordinal))
            : 0;

    private static Task BegunAsync(Workplace place, int trials) =>
        Workplace.UntilAsync($"the beginning of {trials} trials", () => Begun(place) == trials);
}
