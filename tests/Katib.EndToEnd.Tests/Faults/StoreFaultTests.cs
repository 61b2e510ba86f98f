using System.Diagnostics;
using Katib.Coordinator.Tests.Storage;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>Stores that are full, away or gone; whoever asks is told, and nothing that was saved is lost.</summary>
public sealed class StoreFaultTests
{
    [Fact]
    public async Task A_full_disk_is_named_and_waited_out()
    {
        using var place = new Workplace();
        _ = Directory.CreateDirectory(place.PathOf("small"));
        using var disk = await SmallDisk.MountAsync(place.PathOf("small"));
        await using var server = await ListeningCoordinator.StartAsync(place, "small/server.db", "--Coordinator:Trials=trials");

        // So many values do not go where earlier ones have been.
        place.Write("ledger.yaml", Waiting().Replace("{ print", "{ for (i = 0; i < 2000; i++) print", StringComparison.Ordinal));
        using var run = server.Start("run", "ledger.yaml");
        await BegunAsync(place, run);

        disk.Fill();
        place.Write("go", "");
        await NamedAsync(server, "full");
        disk.Empty();

        _ = (await Workplace.EndAsync(run)).Expect(0);
        var status = await server.KatibAsync("status", "ledger");
        Assert.Contains("2 of 2 trials ended", status.Expect(0).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("full", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_away_is_named_and_waited_out()
    {
        await using var postgres = new PostgresServer();
        var database = await postgres.CreateDatabaseAsync();
        using var place = new Workplace();
        await using var server = await ListeningCoordinator.StartAsync(place, database);
        place.Write("ledger.yaml", Waiting());
        using var run = server.Start("run", "ledger.yaml");
        await BegunAsync(place, run);

        await postgres.StopAsync();
        place.Write("go", "");
        await NamedAsync(server, "The store 'postgres://");
        await postgres.StartAgainAsync();

        _ = (await Workplace.EndAsync(run)).Expect(0);
        Assert.Contains("2 of 2 trials ended", (await server.KatibAsync("status", "ledger")).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_removed_under_way_is_named_and_its_trials_are_stopped()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Waiting());
        using var run = place.Start("katib.dll", "run", "ledger.yaml");
        await BegunAsync(place, run);

        Directory.EnumerateFiles(place.PathOf(".katib"), "katib.db*").ToList().ForEach(File.Delete);
        var said = (await Workplace.EndAsync(run)).Expect(2);
        var status = (await place.KatibAsync("status", "ledger")).Expect(2);

        Assert.Contains("was removed while it was in use", said.Error, StringComparison.Ordinal);
        Assert.Contains("There is no store at", status.Error, StringComparison.Ordinal);
        Assert.Empty(place.TrialProcesses());
    }

    private static Task NamedAsync(ListeningCoordinator server, string sentence) =>
        Promise.KeptAsync($"status says '{sentence}'", async () =>
        {
            var status = await server.KatibAsync("status", "ledger");
            return $"{status.Output}{status.Error}".Contains(sentence, StringComparison.Ordinal);
        });

    private static Task BegunAsync(Workplace place, Process run) => Workplace.UntilAsync(
        "two trials have begun",
        () => run.HasExited ? throw new InvalidOperationException("The run has ended.")
            : File.Exists(place.PathOf("ledger.txt")) && File.ReadAllLines(place.PathOf("ledger.txt")).Length >= 2);

    private static string Waiting() => Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0)
        .Replace("sleep 0", "until [ -e go ]; do sleep 0.1; done", StringComparison.Ordinal);
}
