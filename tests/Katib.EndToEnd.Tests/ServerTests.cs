using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Katib.Coordinator.Tests.Storage;

namespace Katib.EndToEnd.Tests;

/// <summary>A coordinator that listens, and <c>katib --server</c> in front of it.</summary>
public sealed class ServerTests
{
    [Fact]
    public async Task An_example_is_submitted_followed_to_its_end_looked_at_and_deleted()
    {
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        var example = Path.Combine(Workplace.Repository, "examples", "shell.yaml");

        var run = (await server.KatibAsync("run", example)).Expect(0);
        var again = (await server.KatibAsync("run", example, "-o", "json")).Expect(0);
        var ledger = (await server.KatibAsync("run", "ledger.yaml", "--max-trials", "5", "--parallel", "1")).Expect(0);
        var list = (await server.KatibAsync("status")).Expect(0);
        var status = (await server.KatibAsync("status", "ledger")).Expect(0);
        var best = (await server.KatibAsync("best", "ledger", "-o", "env")).Expect(0);
        var csv = (await server.KatibAsync("export", "ledger")).Expect(0);
        var logs = (await server.KatibAsync("logs", "ledger-0005")).Expect(0);
        var deleted = (await server.KatibAsync("delete", "ledger")).Expect(0);
        var gone = (await server.KatibAsync("status", "ledger")).Expect(2);

        Assert.Contains("Trial has succeeded", run.Output, StringComparison.Ordinal);
        Assert.Contains("best: ", run.Output, StringComparison.Ordinal);
        Assert.Equal("Succeeded", (string?)JsonNode.Parse(again.Output)!["status"]!["conditions"]!.AsArray()[^1]!["type"]);
        Assert.Contains("5 trials", ledger.Output, StringComparison.Ordinal);
        Assert.Contains("ledger", list.Output, StringComparison.Ordinal);
        Assert.Contains("5 of 5 trials ended", status.Output, StringComparison.Ordinal);
        Assert.Contains("X='", best.Output, StringComparison.Ordinal);
        Assert.Equal(6, csv.Output.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All(
            csv.Output.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1),
            static row => Assert.DoesNotContain("", row.Split(',')[4..7]));
        Assert.Contains("loss=", logs.Output, StringComparison.Ordinal);
        Assert.Contains("Deleted ledger with 5 trials", deleted.Output, StringComparison.Ordinal);
        Assert.Contains("There is no experiment 'ledger'", gone.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(place.PathOf(".katib")));
    }

    [Fact]
    public async Task Killed_under_way_the_coordinator_goes_on_when_it_is_back_and_its_follower_with_it()
    {
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 12, parallel: 3, seconds: 1));
        using var katib = server.Start("run", "ledger.yaml", "-o", "json");
        await BegunAsync(place, katib, trials: 4);

        await server.KillAsync();
        await server.StartAgainAsync();
        var run = (await Workplace.EndAsync(katib)).Expect(0);

        var status = JsonNode.Parse(run.Output)!["status"]!;
        Assert.Equal(12, (int?)status["trialsSucceeded"]);
        Assert.Equal(12, Lines(place, "end").Length);
        Assert.Equal(12, Lines(place, "end").Distinct().Count());
        Assert.Empty(place.TrialProcesses());
    }

    [Fact]
    public async Task On_PostgreSQL_nothing_is_lost_when_the_database_goes_away_and_then_the_coordinator()
    {
        await using var postgres = new PostgresServer();
        var database = await postgres.CreateDatabaseAsync();
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place, database);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 12, parallel: 3, seconds: 1));
        using var katib = server.Start("run", "ledger.yaml", "-o", "json");
        await BegunAsync(place, katib, trials: 4);

        await postgres.StopAsync();
        await Workplace.UntilAsync("a call is refused", async () => (await server.KatibAsync("status")).ExitCode is not 0);
        var away = await server.KatibAsync("status");
        var notStopped = await server.PostAsync("apis/kubeflow.org/v1beta1/namespaces/default/experiments/ledger/stop");
        await postgres.StartAgainAsync();
        await BegunAsync(place, katib, trials: 8);
        await server.KillAsync();
        await server.StartAgainAsync();
        var run = (await Workplace.EndAsync(katib)).Expect(0);
        var best = (await server.KatibAsync("best", "ledger", "-o", "env")).Expect(0);

        Assert.Contains("cannot be used", away.Error, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, notStopped);
        Assert.DoesNotContain("secret", away.Error, StringComparison.Ordinal);
        Assert.Contains("X='", best.Output, StringComparison.Ordinal);
        Assert.Equal(12, (int?)JsonNode.Parse(run.Output)!["status"]!["trialsSucceeded"]);
        Assert.Equal(12, Lines(place, "end").Length);
        Assert.Equal(12, Lines(place, "end").Distinct().Count());
        Assert.Empty(place.TrialProcesses());
    }

    [Fact]
    public async Task Interrupted_by_ctrl_c_the_experiment_runs_on_until_it_is_stopped()
    {
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 6, parallel: 3, seconds: 60));

        Said interrupted;
        using (var katib = server.Start("run", "ledger.yaml"))
        {
            await BegunAsync(place, katib, trials: 3);
            await Workplace.InterruptAsync(katib);
            interrupted = (await Workplace.EndAsync(katib)).Expect(130);
        }

        var running = place.TrialProcesses().Count;
        var stopped = (await server.KatibAsync("stop", "ledger")).Expect(0);
        var run = (await server.KatibAsync("run", "ledger.yaml")).Expect(1);

        Assert.Contains("`katib stop ledger --server", interrupted.Error, StringComparison.Ordinal);
        Assert.True(running >= 3, $"{running} processes ran on");
        Assert.Contains("Experiment was stopped", stopped.Output, StringComparison.Ordinal);
        Assert.Contains("Experiment was stopped", run.Output, StringComparison.Ordinal);
        Assert.Empty(place.TrialProcesses());
    }

    [Fact]
    public async Task Whoever_has_no_token_or_a_wrong_file_is_told_what_to_do()
    {
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 3, parallel: 3, seconds: 0));
        place.Write("broken.yaml", Manifests.Ledger("radom", trials: 3, parallel: 4, seconds: 0));
        place.Write("algorithm.yaml", Manifests.Ledger("sobol", trials: 3, parallel: 3, seconds: 0));
        place.Write("wrong", "some-other-token-than-that");

        var none = (await place.KatibAsync("--server", server.Address, "status")).Expect(2);
        var wrong = (await place.KatibAsync("--server", server.Address, "run", "ledger.yaml", "--token-file", "wrong")).Expect(2);
        var missing = (await place.KatibAsync("--server", server.Address, "status", "--token-file", "nothing")).Expect(2);
        var broken = (await server.KatibAsync("run", "broken.yaml")).Expect(2);
        var algorithm = (await server.KatibAsync("run", "algorithm.yaml")).Expect(2);
        var both = (await server.KatibAsync("run", "ledger.yaml", "--store", "katib.db")).Expect(2);
        var validate = (await server.KatibAsync("validate", "ledger.yaml")).Expect(2);
        var away = (await place.KatibAsync("--server", "http://127.0.0.1:1", "status")).Expect(1);
        var tls = (await place.KatibAsync("--server", server.Address.Replace("http", "https", StringComparison.Ordinal), "status")).Expect(2);
        var probe = await place.EndAsync("Katib.Coordinator.dll", "--probe", $"--Coordinator:Listen={server.Address}");
        var probeAway = await place.EndAsync("Katib.Coordinator.dll", "--probe", "--Coordinator:Listen=http://127.0.0.1:1");

        Assert.Contains("KATIB_TOKEN", none.Error, StringComparison.Ordinal);
        Assert.Contains("This is not the bearer token", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("There is no token file", missing.Error, StringComparison.Ordinal);
        Assert.Contains("broken.yaml:", broken.Error, StringComparison.Ordinal);
        Assert.Contains("algorithm.yaml:11 spec.algorithm.algorithmName 'sobol': has no service here", algorithm.Error, StringComparison.Ordinal);
        Assert.Contains("--store is about this machine", both.Error, StringComparison.Ordinal);
        Assert.Contains("works on this machine alone", validate.Error, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:1/ does not answer", away.Error, StringComparison.Ordinal);
        Assert.Contains("No TLS connection", tls.Error, StringComparison.Ordinal);
        _ = probe.Expect(0);
        _ = probeAway.Expect(1);
    }

    [Fact]
    public async Task A_trial_does_not_see_the_coordinators_settings()
    {
        using var place = new Workplace { Environment = { ["Coordinator__Trials"] = "trials", ["KATIB_TOKEN"] = "of-somebody-else" } };
        await using var server = await ListeningCoordinator.StartAsync(place);
        place.Write(
            "ledger.yaml",
            Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0).Replace("sleep 0", "env", StringComparison.Ordinal));

        _ = (await server.KatibAsync("run", "ledger.yaml")).Expect(0);
        var said = (await server.KatibAsync("logs", "ledger-0001")).Expect(0).Output;

        Assert.Contains("KATIB_TRIAL_DIR=", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Coordinator__", said, StringComparison.Ordinal);
        Assert.DoesNotContain("KATIB_TOKEN", said, StringComparison.Ordinal);
        Assert.True(Directory.Exists(place.PathOf("trials/default.ledger")));
    }

    [Fact]
    public async Task A_coordinator_without_a_token_refuses_to_listen()
    {
        using var place = new Workplace();

        var said = (await place.EndAsync(
            "Katib.Coordinator.dll",
            "--Coordinator:Listen=http://127.0.0.1:0",
            "--Coordinator:Endpoints:random=http://127.0.0.1:1")).Expect(2);

        Assert.Contains("Coordinator:TokenFile", said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said.Error, StringComparison.Ordinal);
    }

    private static async Task BegunAsync(Workplace place, Process katib, int trials)
    {
        await Workplace.UntilAsync(
            $"{trials} trials have begun", () => Lines(place, "begin").Length >= trials || katib.HasExited);
        if (katib.HasExited)
        {
            _ = (await Workplace.EndAsync(katib)).Expect(-1);
        }
    }

    private static string[] Lines(Workplace place, string word) =>
        File.Exists(place.PathOf("ledger.txt"))
            ? [.. File.ReadAllLines(place.PathOf("ledger.txt")).Where(l => l.StartsWith(word, StringComparison.Ordinal))]
            : [];
}
