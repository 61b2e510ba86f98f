using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary><c>katib run</c> is killed without warning, and the same command goes on.</summary>
public sealed class KillTests
{
    [Theory]
    [InlineData("random", 1)]
    [InlineData("grid", 2)]
    public async Task Killed_at_random_moments_every_parameter_set_runs_to_its_end_exactly_once(string algorithm, ulong seed)
    {
        var kills = TestSize.Of(small: 5, full: 50);
        var trials = TestSize.Of(small: 24, full: 200);
        using var undisturbed = new Workplace();
        using var disturbed = new Workplace();
        undisturbed.Write("ledger.yaml", Manifests.Ledger(algorithm, trials, parallel: 3, seconds: 0, values: trials));
        disturbed.Write("ledger.yaml", Manifests.Ledger(algorithm, trials, parallel: 3, seconds: TestSize.Of(small: 2, full: 3), values: trials));
        var moments = new double[kills];
        new Philox(seed).Fill(0, moments);

        foreach (var moment in moments)
        {
            using var katib = disturbed.Start("katib.dll", "run", "ledger.yaml");
            await Task.Delay(TimeSpan.FromSeconds(0.2 + (moment * 2.5)), TestContext.Current.CancellationToken);
            await Workplace.SignalAsync(katib, "KILL");
            _ = (await Workplace.EndAsync(katib)).Expect(137);
        }

        var last = (await disturbed.KatibAsync("run", "ledger.yaml", "--output", "json")).Expect(0);
        var first = (await undisturbed.KatibAsync("run", "ledger.yaml", "--output", "json")).Expect(0);

        var ends = await EndsAsync(disturbed);
        Assert.Equal(trials, ends.Length);
        Assert.Equal(trials, ends.Distinct().Count());
        Assert.Equal(Best(first), Best(last));
        Assert.Empty(disturbed.TrialProcesses());
    }

    [Fact]
    public async Task Interrupted_by_ctrl_c_the_trials_stop_and_the_same_command_goes_on()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 6, parallel: 3, seconds: 4));

        using (var katib = place.Start("katib.dll", "run", "ledger.yaml"))
        {
            await Workplace.UntilAsync("three trials run", () => place.TrialProcesses().Count >= 3);
            await Workplace.InterruptAsync(katib);
            _ = (await Workplace.EndAsync(katib)).Expect(130);
        }

        Assert.Empty(place.TrialProcesses());
        var status = await place.KatibAsync("status", "ledger");
        Assert.Contains("goes on", status.Output, StringComparison.Ordinal);
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var ends = await EndsAsync(place);
        Assert.Equal(6, ends.Length);
        Assert.Equal(6, ends.Distinct().Count());
    }

    [Fact]
    public async Task A_second_process_on_the_same_experiment_is_refused()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 3, parallel: 3, seconds: 30));
        using var katib = place.Start("katib.dll", "run", "ledger.yaml");
        await Workplace.UntilAsync("the first run has begun", () => File.Exists(place.PathOf("ledger.txt")));

        var second = await place.KatibAsync("run", "ledger.yaml");
        var deletion = await place.KatibAsync("delete", "ledger");
        await Workplace.InterruptAsync(katib);
        _ = await Workplace.EndAsync(katib);

        Assert.Contains("another process", second.Expect(2).Error, StringComparison.Ordinal);
        Assert.Contains("another process", deletion.Expect(2).Error, StringComparison.Ordinal);
        Assert.Empty(place.TrialProcesses());
    }

    private static async Task<string[]> EndsAsync(Workplace place)
    {
        var lines = await File.ReadAllLinesAsync(place.PathOf("ledger.txt"), TestContext.Current.CancellationToken);
        return [.. lines.Where(static l => l.StartsWith("end", StringComparison.Ordinal))];
    }

    private static string Best(Said said) =>
        JsonNode.Parse(said.Output)!["status"]!["currentOptimalTrial"]!["parameterAssignments"]!.ToJsonString();
}
