namespace Katib.Hosting.Tests;

public sealed class GrpcTimeoutTests
{
    [Theory]
    [InlineData("1H", 3_600_000.0)]
    [InlineData("2M", 120_000.0)]
    [InlineData("60S", 60_000.0)]
    [InlineData("250m", 250.0)]
    [InlineData("1500u", 1.5)]
    [InlineData("99999999n", 99.9999)]
    [InlineData("0n", 0.0)]
    [InlineData("99999999H", (double)int.MaxValue)]
    public void It_reads_eight_digits_and_a_unit(string header, double milliseconds)
    {
        Assert.Equal(milliseconds, GrpcTimeout.Parse(header)!.Value.TotalMilliseconds);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("-1S")]
    [InlineData("1.5S")]
    [InlineData(" 1S")]
    [InlineData("1s")]
    [InlineData("123456789S")]
    [InlineData("1S, 2S")]
    public void Anything_else_is_no_timeout(string? header)
    {
        Assert.Null(GrpcTimeout.Parse(header));
    }

    [Theory]
    [InlineData(-5.0, "1m")]
    [InlineData(0.2, "1m")]
    [InlineData(1234.5, "1234m")]
    [InlineData(1e12, "99999999m")]
    public void What_is_left_is_written_in_milliseconds(double milliseconds, string header)
    {
        Assert.Equal(header, GrpcTimeout.Format(TimeSpan.FromMilliseconds(milliseconds)));
    }
}
