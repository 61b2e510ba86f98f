using Katib.Coordinator.Storage;
using Npgsql;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>What an address says, also of a server that is not there.</summary>
public sealed class PostgresAddressTests
{
    [Fact]
    public void What_keeps_experiments_safe_is_not_for_the_address_to_change()
    {
        using var connection = new PostgresDatabase("postgres://[::1]/katib?pooling=true&search%20path=public&timeout=3").Connect();

        var settings = new NpgsqlConnectionStringBuilder(connection.ConnectionString);

        Assert.Equal(("::1", false, "katib", 3), (settings.Host, settings.Pooling, settings.SearchPath, settings.Timeout));
    }

    [Theory]
    [InlineData("postgres://katib:secret@127.0.0.1:1/katib")]
    [InlineData("postgres://katib:secret@[::1]:1/katib")]
    [InlineData("postgres://katib:secret@nowhere.invalid/katib")]
    public async Task A_server_that_does_not_answer_may_come_and_is_named(string address)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(() => ExperimentStore.OpenAsync(
            StoreLocation.Parse(address, "trials"), TimeProvider.System, isPatient: false, TestContext.Current.CancellationToken));

        Assert.True(failure.IsTemporary, failure.Message);
        Assert.Contains(address.Replace(":secret", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
    }
}
