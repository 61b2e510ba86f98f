using Katib.Coordinator.Storage;
using Microsoft.Data.Sqlite;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>The store in a file.</summary>
public sealed class SqliteStoreTests : StoreConformance, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-store-").FullName;

    private string File => Path.Combine(_folder, "deep", "katib.db");

    private protected override StoreLocation Location => StoreLocation.OfFile(File);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Each_earlier_schema_is_opened_with_all_that_is_in_it()
    {
        for (var version = 1; version < Database.CurrentVersion; version++)
        {
            var file = Path.Combine(_folder, $"v{version}.db");
            var database = new SqliteDatabase(file);
            await ExecuteAsync(file, string.Concat(Enumerable.Range(1, version).Select(database.Script)) + $"""
                PRAGMA user_version = {version};
                INSERT INTO experiments (id, namespace, name, manifest, folder, started_at, ended_at, conditions, settings_echo)
                VALUES (1, 'default', 'old', '{Given.Spec().Manifest.ToJsonString()}', '/', '2020-01-01T00:00:00Z', NULL, '[]', '[]');
                INSERT INTO trials (experiment, number, name, assignments, status, attempt, reason, message, created_at, started_at, ended_at, observation)
                VALUES
                  (1, 1, 'old-0001', '[]', 'Failed', 1, 'TrialFailed', 'exit code 1', '2020-01-01T00:00:00Z', NULL, NULL, '[]');
                INSERT INTO observations (experiment, trial, ordinal, metric, value, time{(version < 4 ? "" : ", stream")})
                VALUES (1, 1, 0, 'loss', '0.5', NULL{(version < 4 ? "" : ", ''")});
                """);

            await using var store = await OpenAsync(file);

            Assert.Equal("exit code 1", (await store.ReadAsync("default", "old", Token))!.State.Trials.Single().Message);
            Assert.Equal("old", (await store.FindByTrialAsync("old-0001", Token)).Single().Name);
            Assert.Equal([new("loss", "0.5", null)], await store.ReadObservationsAsync(1, 1, Token));
        }
    }

    [Fact]
    public async Task A_newer_schema_is_refused_in_words()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync(File, "PRAGMA user_version = 99");

        var refusal = await Assert.ThrowsAsync<StoreException>(() => OpenAsync());

        Assert.Contains("schema version 99", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("name another store", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_are_no_store_are_refused_in_words()
    {
        var text = Path.Combine(_folder, "text.db");
        await System.IO.File.WriteAllTextAsync(text, new string('x', 5000), Token);
        var foreign = Path.Combine(_folder, "foreign.db");
        await ExecuteAsync(foreign, "CREATE TABLE other (x INTEGER)");

        Assert.Contains("cannot be used", await RefusalAsync(text), StringComparison.Ordinal);
        Assert.Contains("another program", await RefusalAsync(foreign), StringComparison.Ordinal);
        var none = await Assert.ThrowsAsync<StoreException>(() => ExperimentStore.OpenExistingAsync(
            StoreLocation.OfFile(Path.Combine(_folder, "none.db")), TimeProvider.System, Token));
        Assert.Contains("There is no store", none.Message, StringComparison.Ordinal);
    }

    private static Task<ExperimentStore> OpenAsync(string file) =>
        ExperimentStore.OpenAsync(StoreLocation.OfFile(file), TimeProvider.System, isPatient: false, Token);

    private static async Task<string> RefusalAsync(string file) =>
        (await Assert.ThrowsAsync<StoreException>(() => OpenAsync(file))).Message;

    private static async Task ExecuteAsync(string file, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        await connection.OpenAsync(Token);
        await connection.ExecuteAsync(sql, Token);
    }
}
