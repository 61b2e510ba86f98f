using Katib.Coordinator.Tests.Storage;

namespace Katib.EndToEnd.Tests;

/// <summary>The coordinator's own process: a folder of experiments and services elsewhere.</summary>
public sealed class CoordinatorTests
{
    [Fact]
    public async Task The_coordinator_runs_what_lies_in_its_folder_and_stops_cleanly()
    {
        using var place = new Workplace();
        _ = Directory.CreateDirectory(place.PathOf("experiments"));
        place.Write("experiments/ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        place.Write("experiments/broken.yaml", "kind: Experiment");
        var port = Workplace.FreePort();
        using var service = place.Start("Katib.Suggestion.Random.dll", "--port", $"{port}");

        using var coordinator = place.Start(
            "Katib.Coordinator.dll",
            "--Coordinator:Experiments=experiments",
            "--Coordinator:Store=katib.db",
            $"--Coordinator:Endpoints:random=http://127.0.0.1:{port}",
            "--urls=http://127.0.0.1:0");
        await Workplace.UntilAsync(
            "the experiment has ended",
            () => File.Exists(place.PathOf("katib.db"))
                && place.KatibAsync("status", "--store", "katib.db").GetAwaiter().GetResult().Output.Contains("Succeeded", StringComparison.Ordinal));
        await Workplace.SignalAsync(coordinator, "TERM");
        await Workplace.SignalAsync(service, "TERM");
        var said = (await Workplace.EndAsync(coordinator)).Expect(0);
        _ = (await Workplace.EndAsync(service)).Expect(0);

        Assert.Contains("max trial count has reached", said.Output, StringComparison.Ordinal);
        Assert.Contains("broken.yaml:1", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_comes_while_PostgreSQL_is_away_is_run_when_it_is_back()
    {
        await using var postgres = new PostgresServer();
        using var place = new Workplace();

        await RunWhatComesWhileAwayAsync(place, postgres, await postgres.CreateDatabaseAsync());
    }

    [Fact]
    public async Task A_file_that_comes_while_MariaDB_is_away_is_run_when_it_is_back_with_the_password_of_the_environment()
    {
        await using var mariaDb = new MariaDbServer();
        var database = new UriBuilder(await mariaDb.CreateDatabaseAsync());
        using var place = new Workplace { Environment = { ["MYSQL_PWD"] = Uri.UnescapeDataString(database.Password) } };
        database.Password = "";

        await RunWhatComesWhileAwayAsync(place, mariaDb, database.Uri.ToString());
    }

    [Fact]
    public async Task A_coordinator_without_configuration_says_what_it_needs()
    {
        using var place = new Workplace();

        using var coordinator = place.Start("Katib.Coordinator.dll", "--urls=http://127.0.0.1:0");
        var said = (await Workplace.EndAsync(coordinator)).Expect(2);

        Assert.Contains("Coordinator:Experiments", said.Error, StringComparison.Ordinal);
        Assert.Contains("Coordinator:Endpoints", said.Error, StringComparison.Ordinal);
    }

    private static async Task RunWhatComesWhileAwayAsync(Workplace place, DatabaseServer server, string database)
    {
        _ = Directory.CreateDirectory(place.PathOf("experiments"));
        var port = Workplace.FreePort();
        using var service = place.Start("Katib.Suggestion.Random.dll", "--port", $"{port}");
        using var coordinator = place.Start(
            "Katib.Coordinator.dll",
            "--Coordinator:Experiments=experiments",
            $"--Coordinator:Store={database}",
            $"--Coordinator:Endpoints:random=http://127.0.0.1:{port}",
            "--urls=http://127.0.0.1:0");
        await Workplace.UntilAsync("the coordinator has begun", async () =>
            await coordinator.StandardOutput.ReadLineAsync() is { } line
                ? line.Contains("Application started", StringComparison.Ordinal)
                : throw new InvalidOperationException("The coordinator has ended."));

        await server.StopAsync();
        place.Write("experiments/ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0));
        await Workplace.UntilAsync("the database is missed", async () =>
            (await coordinator.StandardOutput.ReadLineAsync())!.Contains("cannot be used", StringComparison.Ordinal));
        await server.StartAgainAsync();
        await Workplace.UntilAsync("the experiment has ended", async () =>
            (await coordinator.StandardOutput.ReadLineAsync())!.Contains("max trial count", StringComparison.Ordinal));
        await Workplace.SignalAsync(coordinator, "TERM");
        await Workplace.SignalAsync(service, "TERM");
        _ = (await Workplace.EndAsync(coordinator)).Expect(0);
        _ = (await Workplace.EndAsync(service)).Expect(0);
    }
}
