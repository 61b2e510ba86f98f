using System.Globalization;

namespace Katib.Core.Tests;

public sealed class NumbersTests
{
    [Theory]
    [InlineData(4, "4.0")]
    [InlineData(0, "0.0")]
    [InlineData(0.3, "0.3")]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(-0.000015, "-1.5e-05")]
    [InlineData(1.2290834281003242e-05, "1.2290834281003242e-05")]
    [InlineData(100000, "100000.0")]
    [InlineData(999999999999999, "999999999999999.0")]
    [InlineData(1e15, "1000000000000000.0")]
    [InlineData(-1234567890123456, "-1234567890123456.0")]
    [InlineData(1234567890123456, "1234567890123456.0")]
    [InlineData(1234567890123456.8, "1234567890123456.8")]
    [InlineData(9999999999999998, "9999999999999998.0")]
    [InlineData(1e16, "1e+16")]
    [InlineData(12345678901234567890.0, "1.2345678901234567e+19")]
    [InlineData(11000000000000000, "1.1e+16")]
    [InlineData(-12345678901234568, "-1.2345678901234568e+16")]
    [InlineData(1e17, "1e+17")]
    [InlineData(1e22, "1e+22")]
    [InlineData(1e100, "1e+100")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(2.2250738585072014e-308, "2.2250738585072014e-308")]
    [InlineData(double.MaxValue, "1.7976931348623157e+308")]
    [InlineData(double.MinValue, "-1.7976931348623157e+308")]
    public void A_number_is_written_as_Python_writes_it(double value, string text)
    {
        Assert.Equal(text, Numbers.Format(value));
    }

    [Fact]
    public void Zero_has_no_sign()
    {
        Assert.Equal("0.0", Numbers.Format(-0.0));
    }

    [Fact]
    public void What_is_written_reads_back_as_the_same_number()
    {
        foreach (var value in RandomDoubles(20_000))
        {
            Assert.True(Numbers.TryParse(Numbers.Format(value), out var back), Numbers.Format(value));
            Assert.Equal(value, back);
        }
    }

    [Fact]
    public void Texts_do_not_depend_on_the_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = German();

            Assert.Equal("-1234.5", Numbers.Format(-1234.5));
            Assert.True(Numbers.TryParse("-1234.5", out var value));
            Assert.Equal(-1234.5, value);
            Assert.False(Numbers.TryParse("1,5", out _));
            Assert.Equal(["-0.3", "0.0", "0.3"], Given.ValuesOf(Given.Double("-0.3", "0.3", "0.3")));
            Assert.Equal(["-1", "0", "1"], Given.ValuesOf(Given.Int("-1", "1")));
            Assert.Equal(0.123456789012, Numbers.RoundSignificant(0.12345678901234, 12));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(" 3.5 ", 3.5)]
    [InlineData("+3", 3)]
    [InlineData(".5", 0.5)]
    [InlineData("5.", 5)]
    [InlineData("1E-3", 0.001)]
    [InlineData("-0", 0)]
    [InlineData("1e-400", 0)]
    public void Usual_spellings_are_read(string text, double expected)
    {
        Assert.True(Numbers.TryParse(text, out var value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("abc")]
    [InlineData("NaN")]
    [InlineData("nan")]
    [InlineData("Infinity")]
    [InlineData("-inf")]
    [InlineData("∞")]
    [InlineData("1e400")]
    [InlineData("1,5")]
    [InlineData("1_000")]
    [InlineData("0x10")]
    [InlineData("1e")]
    [InlineData("1.5.2")]
    [InlineData("1\0")]
    public void What_is_no_finite_number_is_not_read(string text)
    {
        Assert.False(Numbers.TryParse(text, out _));
        Assert.False(ExactDecimal.TryParse(text, out _));
    }

    [Theory]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(15)]
    [InlineData(16)]
    public void Rounding_agrees_with_the_decimal_text(int digits)
    {
        foreach (var value in RandomDoubles(10_000).Concat(NearPowersOfTen()))
        {
            var rounded = Numbers.RoundSignificant(value, digits);
            var text = value.ToString($"E{digits - 1}", CultureInfo.InvariantCulture);

            Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), rounded);
        }
    }

    [Theory]
    [InlineData(0.30000000000000004, 12, 0.3)]
    [InlineData(-0.30000000000000004, 12, -0.3)]
    [InlineData(999.9999999999999, 12, 1000)]
    [InlineData(1.23456789012345e-30, 12, 1.23456789012e-30)]
    [InlineData(1.23456789012345e300, 12, 1.23456789012e300)]
    [InlineData(5e-324, 12, 5e-324)]
    [InlineData(0, 12, 0)]
    [InlineData(1.2345678901234567, 17, 1.2345678901234567)]
    public void Rounding_keeps_so_many_digits(double value, int digits, double expected)
    {
        Assert.Equal(expected, Numbers.RoundSignificant(value, digits));
    }

    internal static CultureInfo German()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        culture.NumberFormat.NegativeSign = "~";
        return culture;
    }

    /// <summary>Random bits, so that every exponent occurs.</summary>
    private static IEnumerable<double> RandomDoubles(int count)
    {
        var philox = new Philox(42);
        return Enumerable.Range(0, count)
            .Select(i => BitConverter.UInt64BitsToDouble(philox.Block((ulong)i, 0).First))
            .Where(double.IsFinite)
            .Concat(Enumerable.Range(0, count).Select(i => philox.Block((ulong)i, 1).First / 1e15));
    }

    private static IEnumerable<double> NearPowersOfTen()
    {
        for (var power = -30; power <= 30; power++)
        {
            var value = double.Parse($"1e{power}", CultureInfo.InvariantCulture);
            var (below, above) = (value, value);
            for (var i = 0; i < 10; i++)
            {
                yield return below = double.BitDecrement(below);
                yield return above = double.BitIncrement(above);
            }
        }
    }
}
