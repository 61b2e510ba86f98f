using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("momentun", "momentum")]
    [InlineData("momentmu", "momentum")]
    [InlineData("Learning_Rate", "learning-rate")]
    [InlineData("learningrate", "learning-rate")]
    [InlineData("lt", "lr")]
    [InlineData("batchsize", "batch_size")]
    [InlineData("x", null)]
    [InlineData("", null)]
    [InlineData("optimizer", null)]
    [InlineData("wd", null)]
    public void The_nearest_name_is_suggested_when_it_is_near(string given, string? expected)
    {
        string[] known = ["lr", "momentum", "learning-rate", "batch_size", ""];

        Assert.Equal(expected, NearestName.Of(given, known));
    }

    [Fact]
    public void Of_equally_near_names_the_first_is_suggested()
    {
        Assert.Equal("layer1", NearestName.Of("layer3", ["layer1", "layer2"]));
    }

    [Fact]
    public void Names_of_any_length_are_compared_in_no_time()
    {
        var huge = new string('a', 1_000_000);

        Assert.Null(NearestName.Of(huge, [huge, "a"]));
    }
}
