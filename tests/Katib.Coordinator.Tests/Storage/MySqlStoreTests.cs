using Katib.Coordinator.Storage;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>The store in a MariaDB server, in the words that MySQL understands as well.</summary>
public sealed class MySqlStoreTests(MariaDbServer server) : ServerStoreConformance<MariaDbServer>(server)
{
    protected override string Refusal => "Access denied";

    [Fact]
    public async Task A_schema_that_was_cut_off_is_finished_by_the_next()
    {
        var statements = Location.Database.Script(4)!.Split(";\n");

        for (var done = 1; done < statements.Length; done++)
        {
            var url = await CreateDatabaseAsync();
            await ExecuteAsync(url, string.Join(";\n", statements[..done]));

            await using var store = await OpenAsync(url);

            Assert.Matches("^[0-9a-f]{12}$", store.Id);
            Assert.Empty(await store.ListUnfinishedAsync(Token));
        }
    }

    [Fact]
    public async Task A_database_of_another_program_is_refused_and_left_alone()
    {
        await ExecuteAsync("CREATE TABLE store (id INT, version INT); INSERT INTO store VALUES (7, 0)");

        var refusal = await Assert.ThrowsAsync<StoreException>(OpenAsync);

        Assert.Contains("another program", refusal.Message, StringComparison.Ordinal);
        Assert.False(refusal.IsTemporary);
        await ExecuteAsync("DROP TABLE store");
        await using var store = await OpenAsync();
        Assert.Empty(await store.ListAsync(Token));
    }

    [Fact]
    public async Task A_value_that_does_not_fit_is_refused_and_not_cut()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        var trial = Given.Trial(1, TrialStatus.Running);

        var refusal = await Assert.ThrowsAsync<StoreException>(
            () => store.AppendObservationsAsync(stored.Id, trial, new('x', 3001), 0, [new("loss", "1", null)], Token));

        Assert.Contains("too long", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await store.ReadObservationsAsync(stored.Id, 1, Token));
    }
}
