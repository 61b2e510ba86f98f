namespace Katib.Coordinator.Tests.Storage;

/// <summary>The store in a PostgreSQL server.</summary>
public sealed class PostgresStoreTests(PostgresServer server) : ServerStoreConformance<PostgresServer>(server)
{
    protected override string Refusal => "password authentication failed";

    [Fact]
    public async Task An_earlier_schema_is_opened_with_all_that_is_in_it()
    {
        await ExecuteAsync($"""
            CREATE SCHEMA katib;
            {Location.Database.Script(3)}
            UPDATE store SET version = 3;
            INSERT INTO experiments (namespace, name, manifest, folder, runner, started_at, conditions, settings_echo)
            VALUES ('default', 'old', '{Given.Spec().Manifest.ToJsonString()}', '/', 'Process', '2020-01-01T00:00:00Z', '[]', '[]');
            INSERT INTO trials VALUES
              (1, 1, 'old-0001', '[]', 'Failed', 1, 'TrialFailed', 'exit code 1', '2020-01-01T00:00:00Z', NULL, NULL, '[]');
            INSERT INTO observations VALUES (1, 1, 0, 'loss', '0.5', NULL);
            """);

        await using var store = await OpenAsync();

        Assert.Equal("exit code 1", (await store.ReadAsync("default", "old", Token))!.State.Trials.Single().Message);
        Assert.Equal([new("loss", "0.5", null)], await store.ReadObservationsAsync(1, 1, Token));
    }

    [Fact]
    public async Task An_account_needs_no_more_than_the_schema()
    {
        await ExecuteAsync("CREATE ROLE katib LOGIN PASSWORD 'a secret'; CREATE SCHEMA katib AUTHORIZATION katib");

        await using var store = await OpenAsync(Address.Replace("postgres:a", "katib:a", StringComparison.Ordinal));

        Assert.Empty(await store.ListAsync(Token));
    }
}
