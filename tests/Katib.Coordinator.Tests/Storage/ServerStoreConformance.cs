using System.Collections.Immutable;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>What a store does on a server, also one that goes away.</summary>
public abstract class ServerStoreConformance<TServer>(TServer server) : StoreConformance, IClassFixture<TServer>, IAsyncLifetime
    where TServer : DatabaseServer
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-store-").FullName;

    /// <summary>The address of a database of this test's own.</summary>
    private protected string Address { get; private set; } = "";

    private protected override StoreLocation Location => LocationOf(Address);

    /// <summary>What the server says to a wrong password.</summary>
    protected abstract string Refusal { get; }

    /// <summary>Makes another database.</summary>
    protected Task<string> CreateDatabaseAsync() => server.CreateDatabaseAsync();

    public async ValueTask InitializeAsync() => Address = await server.CreateDatabaseAsync();

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_server_that_was_started_again_is_found_again()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        await server.StopAsync();
        await server.StartAgainAsync();

        await store.AddTrialsAsync(stored.Id, Given.State(), [Given.Trial(1, TrialStatus.Running)], Token);

        _ = Assert.Single((await store.ReadAsync("default", "study", Token))!.State.Trials);
    }

    [Fact]
    public async Task A_patient_call_waits_for_the_server_and_says_so()
    {
        await using var store = await ExperimentStore.OpenAsync(Location, TimeProvider.System, isPatient: true, Token);
        var stored = await CreateAsync(store);
        await server.StopAsync();

        var call = store.SaveAsync(stored.Id, Given.Trial(1, TrialStatus.Running), Token);
        while (store.Trouble is null && !call.IsCompleted)
        {
            await Task.Delay(20, Token);
        }

        Assert.Contains("does not answer", store.Trouble, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", store.Trouble, StringComparison.Ordinal);
        Assert.False(call.IsCompleted);
        await server.StartAgainAsync();
        await call;
        Assert.Null(store.Trouble);
        _ = Assert.Single((await store.ReadAsync("default", "study", Token))!.State.Trials);
    }

    [Fact]
    public async Task Of_what_is_reported_while_the_server_crashes_nothing_is_lost_and_nothing_doubled()
    {
        await using var store = await ExperimentStore.OpenAsync(Location, TimeProvider.System, isPatient: true, Token);
        var (stored, trial) = await CreateWithTrialAsync(store);
        using var enough = new CancellationTokenSource();
        var reported = 0;

        var reporting = Task.Run(
            async () =>
            {
                while (!enough.IsCancellationRequested)
                {
                    ImmutableArray<MetricPoint> points =
                        [.. Enumerable.Range(reported, 4).Select(static i => new MetricPoint("loss", $"{i}", null))];
                    await store.AppendObservationsAsync(stored.Id, trial, "", reported, points, Token);
                    Volatile.Write(ref reported, reported + 4);
                }
            },
            Token);
        for (var crashes = 0; crashes < 3; crashes++)
        {
            var before = Volatile.Read(ref reported);
            while (Volatile.Read(ref reported) < before + 40 && !reporting.IsCompleted)
            {
                await Task.Delay(1, Token);
            }

            await server.CrashAsync();
            await server.StartAgainAsync();
        }

        await enough.CancelAsync();
        await reporting;
        Assert.Equal(
            Enumerable.Range(0, reported).Select(static i => $"{i}"),
            (await store.ReadObservationsAsync(stored.Id, 1, Token)).Select(static p => p.Value));
    }

    [Fact]
    public async Task An_impatient_call_says_what_does_not_answer()
    {
        await using var store = await OpenAsync();
        await server.StopAsync();

        var failure = await Assert.ThrowsAsync<StoreException>(() => store.ListAsync(Token));

        Assert.True(failure.IsTemporary);
        Assert.Contains(Address.Replace(":a%20secret", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
        await server.StartAgainAsync();
        Assert.Empty(await store.ListAsync(Token));
    }

    [Fact]
    public async Task Only_one_process_holds_an_experiment_and_its_end_is_enough_to_release_it()
    {
        await using var other = await OpenAsync();
        await using var elsewhere = await OpenAsync(await CreateDatabaseAsync());
        await using (var store = await OpenAsync())
        {
            Assert.True(await store.TryHoldAsync("default", "study", Token));
            Assert.False(await other.TryHoldAsync("default", "study", Token));
            Assert.True(await other.TryHoldAsync("elsewhere", "study", Token));
            Assert.True(await elsewhere.TryHoldAsync("default", "study", Token));
        }

        while (!await other.TryHoldAsync("default", "study", Token))
        {
            await Task.Delay(20, Token);
        }
    }

    [Fact]
    public async Task Who_has_lost_the_experiment_writes_nothing_more()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        Assert.True(await store.TryHoldAsync("default", "study", Token));
        await server.StopAsync();
        await server.StartAgainAsync();
        await using var other = await OpenAsync();
        Assert.True(await other.TryHoldAsync("default", "study", Token));

        // Not at the second try either.
        for (var i = 0; i < 2; i++)
        {
            var failure = await Assert.ThrowsAsync<StoreException>(
                () => store.SaveAsync(stored.Id, Given.Trial(1, TrialStatus.Running), Token));

            Assert.Contains("another process", failure.Message, StringComparison.Ordinal);
        }

        Assert.Empty((await other.ReadAsync("default", "study", Token))!.State.Trials);
    }

    [Fact]
    public async Task A_wrong_password_is_an_error_at_once_and_is_not_shown()
    {
        var location = LocationOf(Address.Replace("secret", "guess", StringComparison.Ordinal));

        var failure = await Assert.ThrowsAsync<StoreException>(
            () => ExperimentStore.OpenAsync(location, TimeProvider.System, isPatient: true, Token));

        Assert.False(failure.IsTemporary);
        Assert.Contains(Refusal, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_schema_is_refused_in_words()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("UPDATE store SET version = 99");

        var refusal = await Assert.ThrowsAsync<StoreException>(OpenAsync);

        Assert.Contains("schema version 99", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A store in a database.</summary>
    private protected Task<ExperimentStore> OpenAsync(string address) =>
        ExperimentStore.OpenAsync(LocationOf(address), TimeProvider.System, isPatient: false, Token);

    /// <summary>Runs statements in the test's database.</summary>
    private protected Task ExecuteAsync(string statements) => ExecuteAsync(Address, statements);

    /// <summary>Runs statements in a database.</summary>
    private protected async Task ExecuteAsync(string address, string statements)
    {
        await using var connection = LocationOf(address).Database.Connect();
        await connection.OpenAsync(Token);
        await connection.ExecuteAsync(statements, Token);
    }

    private StoreLocation LocationOf(string address) => StoreLocation.Parse(address, _folder);
}
