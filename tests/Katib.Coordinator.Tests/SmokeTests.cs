using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void Strategies_are_three()
    {
        Assert.Equal(3, Enum.GetValues<MetricStrategy>().Length);
    }
}
