using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("90s", 90, "1m30s")]
    [InlineData("30m", 1800, "30m")]
    [InlineData(" 1h30m ", 5400, "1h30m")]
    [InlineData("2d", 172800, "2d")]
    [InlineData("0.5s", 0.5, "0.5s")]
    [InlineData("1.5h", 5400, "1h30m")]
    [InlineData("1d2h3m4s", 93784, "1d2h3m4s")]
    public void A_span_is_numbers_with_units(string text, double seconds, string written)
    {
        Assert.True(DurationText.TryParse(text, out var span));

        Assert.Equal(TimeSpan.FromSeconds(seconds), span);
        Assert.Equal(written, DurationText.Of(span));
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("-1h")]
    [InlineData("0s")]
    [InlineData("1m1h")]
    [InlineData("30 m")]
    [InlineData("1e3s")]
    [InlineData("999999999d")]
    [InlineData("3651d")]
    [InlineData("\u0661m")]
    public void All_else_is_none(string text) => Assert.False(DurationText.TryParse(text, out _));
}
