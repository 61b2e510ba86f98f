using Katib.Coordinator.Storage;
using MySqlConnector;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>What an address says, also of a server that is not there.</summary>
public sealed class MySqlAddressTests
{
    [Fact]
    public void What_keeps_experiments_safe_is_not_for_the_address_to_change()
    {
        const string Url = "mariadb://katib:se%23cret@[::1]:3307/ka%20tib"
            + "?pooling=true&ignore%20command%20transaction=false&nobackslashescapes=true&sslmode=VerifyFull";

        var settings = new MySqlConnectionStringBuilder(new MySqlDatabase(Url).Connect().ConnectionString);

        Assert.Equal(
            ("::1", 3307u, "ka tib", "katib", "se#cret"),
            (settings.Server, settings.Port, settings.Database, settings.UserID, settings.Password));
        Assert.Equal((false, true, false), (settings.Pooling, settings.IgnoreCommandTransaction, settings.NoBackslashEscapes));
        Assert.Equal(MySqlSslMode.VerifyFull, settings.SslMode);
    }

    [Theory]
    [InlineData("mysql://katib:secret@127.0.0.1:1/katib")]
    [InlineData("mariadb://katib:secret@[::1]:1/katib")]
    [InlineData("mysql://katib:secret@nowhere.invalid/katib")]
    public async Task A_server_that_does_not_answer_may_come_and_is_named(string address)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(() => ExperimentStore.OpenAsync(
            StoreLocation.Parse(address, "trials"), TimeProvider.System, isPatient: false, TestContext.Current.CancellationToken));

        Assert.True(failure.IsTemporary, failure.Message);
        Assert.Contains(address.Replace(":secret", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
    }
}
