using Katib.Coordinator.Storage;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>Database servers that are not there.</summary>
public sealed class AbsentServerTests
{
    [Theory]
    [InlineData("postgres://katib:secret@127.0.0.1:1/katib")]
    [InlineData("postgres://katib:secret@nowhere.invalid/katib")]
    public async Task One_that_does_not_answer_may_come_and_is_named(string address)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(() => ExperimentStore.OpenAsync(
            StoreLocation.Parse(address, "trials"), TimeProvider.System, isPatient: false, TestContext.Current.CancellationToken));

        Assert.True(failure.IsTemporary, failure.Message);
        Assert.Contains(address.Replace(":secret", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
    }
}
