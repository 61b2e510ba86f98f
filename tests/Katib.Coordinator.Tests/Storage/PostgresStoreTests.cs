using Katib.Coordinator.Storage;
using Npgsql;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>The store in a PostgreSQL server, also one that goes away.</summary>
public sealed class PostgresStoreTests(PostgresServer server) : StoreConformance, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-store-").FullName;
    private string _url = "";

    private protected override StoreLocation Location => StoreLocation.Parse(_url, _folder);

    public async ValueTask InitializeAsync() => _url = await server.CreateDatabaseAsync();

    public ValueTask DisposeAsync()
    {
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
        while (store.Trouble is null)
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
    public async Task An_impatient_call_says_what_does_not_answer()
    {
        await using var store = await OpenAsync();
        await server.StopAsync();

        var failure = await Assert.ThrowsAsync<StoreException>(() => store.ListAsync(Token));

        Assert.True(failure.IsTemporary);
        Assert.Contains("postgres://postgres@127.0.0.1", failure.Message, StringComparison.Ordinal);
        await server.StartAgainAsync();
        Assert.Empty(await store.ListAsync(Token));
    }

    [Fact]
    public async Task Only_one_process_holds_an_experiment_and_its_end_is_enough_to_release_it()
    {
        await using var other = await OpenAsync();
        await using (var store = await OpenAsync())
        {
            Assert.True(await store.TryHoldAsync("default", "study", Token));
            Assert.False(await other.TryHoldAsync("default", "study", Token));
            Assert.True(await other.TryHoldAsync("elsewhere", "study", Token));
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

        var failure = await Assert.ThrowsAsync<StoreException>(
            () => store.SaveAsync(stored.Id, Given.Trial(1, TrialStatus.Running), Token));

        Assert.Contains("another process", failure.Message, StringComparison.Ordinal);
        Assert.Empty((await other.ReadAsync("default", "study", Token))!.State.Trials);
    }

    [Fact]
    public async Task A_wrong_password_is_an_error_at_once_and_is_not_shown()
    {
        var location = StoreLocation.Parse(_url.Replace("secret", "guess", StringComparison.Ordinal), _folder);

        var failure = await Assert.ThrowsAsync<StoreException>(
            () => ExperimentStore.OpenAsync(location, TimeProvider.System, isPatient: true, Token));

        Assert.False(failure.IsTemporary);
        Assert.Contains("password authentication failed", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_earlier_schema_is_opened_with_all_that_is_in_it()
    {
        var database = new PostgresDatabase(_url);
        await using (var connection = database.Connect())
        {
            await connection.OpenAsync(Token);
            await connection.ExecuteAsync($"""
                CREATE SCHEMA katib;
                {database.Script(3)}
                UPDATE store SET version = 3;
                INSERT INTO experiments (namespace, name, manifest, folder, runner, started_at, conditions, settings_echo)
                VALUES ('default', 'old', '{Given.Spec().Manifest.ToJsonString()}', '/', 'Process', '2020-01-01T00:00:00Z', '[]', '[]');
                INSERT INTO trials VALUES
                  (1, 1, 'old-0001', '[]', 'Failed', 1, 'TrialFailed', 'exit code 1', '2020-01-01T00:00:00Z', NULL, NULL, '[]');
                INSERT INTO observations VALUES (1, 1, 0, 'loss', '0.5', NULL);
                """, Token);
        }

        await using var store = await OpenAsync();

        Assert.Equal("exit code 1", (await store.ReadAsync("default", "old", Token))!.State.Trials.Single().Message);
        Assert.Equal([new("loss", "0.5", null)], await store.ReadObservationsAsync(1, 1, Token));
    }

    [Fact]
    public async Task A_newer_schema_is_refused_in_words()
    {
        await (await OpenAsync()).DisposeAsync();
        await using (var connection = new PostgresDatabase(_url).Connect())
        {
            await connection.OpenAsync(Token);
            await connection.ExecuteAsync("UPDATE store SET version = 99", Token);
        }

        var refusal = await Assert.ThrowsAsync<StoreException>(OpenAsync);

        Assert.Contains("schema version 99", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_needs_no_more_than_the_schema()
    {
        await using (var connection = new NpgsqlConnection(new PostgresDatabase(_url).Connect().ConnectionString))
        {
            await connection.OpenAsync(Token);
            await connection.ExecuteAsync(
                "CREATE ROLE katib LOGIN PASSWORD 'a secret'; CREATE SCHEMA katib AUTHORIZATION katib", Token);
        }

        var url = _url.Replace("postgres:a", "katib:a", StringComparison.Ordinal);
        await using var store = await ExperimentStore.OpenAsync(
            StoreLocation.Parse(url, _folder), TimeProvider.System, isPatient: false, Token);

        Assert.Empty(await store.ListAsync(Token));
    }
}
