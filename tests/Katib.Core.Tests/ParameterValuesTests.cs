namespace Katib.Core.Tests;

/// <summary>Which values a parameter has, and how they are written and read.</summary>
public sealed class ParameterValuesTests
{
    [Theory]
    [InlineData("0.1", "0.3", "0.1", "0.1 0.2 0.3")]
    [InlineData("0.5", "0.9", "0.1", "0.5 0.6 0.7 0.8 0.9")]
    [InlineData("0.01", "0.05", "0.005", "0.01 0.015 0.02 0.025 0.03 0.035 0.04 0.045 0.05")]
    [InlineData("5", "10", "0.8", "5.0 5.8 6.6 7.4 8.2 9.0 9.8")]
    [InlineData("-0.3", "0.3", "0.2", "-0.3 -0.1 0.1 0.3")]
    [InlineData("-2", "-1", "0.25", "-2.0 -1.75 -1.5 -1.25 -1.0")]
    [InlineData("-1", "1", "1", "-1.0 0.0 1.0")]
    [InlineData("0", "1", "0.3", "0.0 0.3 0.6 0.9")]
    [InlineData("1", "11", "2.5", "1.0 3.5 6.0 8.5 11.0")]
    [InlineData("1e-05", "3e-05", "1e-05", "1e-05 2e-05 3e-05")]
    [InlineData("1E-300", "3.5e-300", "1e-300", "1e-300 2e-300 3e-300")]
    [InlineData("1e300", "3e300", "1e300", "1e+300 2e+300 3e+300")]
    [InlineData("-1.7e308", "1.7e308", "1.7e308", "-1.7e+308 0.0 1.7e+308")]
    [InlineData("1e15", "1000000000000001", "0.5", "1000000000000000.0 1000000000000000.5 1000000000000001.0")]
    [InlineData(" .5", "+1.0 ", "0.25", "0.5 0.75 1.0")]
    [InlineData("0", "1", "1e30", "0.0")]
    [InlineData("1e16", "1e16", "0.1", "1e+16")]
    public void A_stepped_double_takes_exact_decimals(string min, string max, string step, string values)
    {
        Assert.Equal(values.Split(' '), Given.ValuesOf(Given.Double(min, max, step)));
    }

    [Theory]
    [InlineData("1", "5", "", "1 2 3 4 5")]
    [InlineData("1", "5", "2", "1 3 5")]
    [InlineData("1", "6", "2", "1 3 5")]
    [InlineData("1", "10", "4", "1 5 9")]
    [InlineData("1", "5", "0.8", "1 2 3 4 5")]
    [InlineData("5", "10", "0.01", "5 6 7 8 9 10")]
    [InlineData("0", "2", "0.7", "0 1")]
    [InlineData("0", "6", "1.5", "0 2 3 5 6")]
    [InlineData("-3", "3", "1.5", "-3 -2 0 2 3")]
    [InlineData("-2", "2", "0.9", "-2 -1 0 1 2")]
    [InlineData("-2", "2", "0.75", "-2 -1 0 1 2")]
    [InlineData("-1", "1", "0.5", "-1 0 1")]
    [InlineData("-5", "-3", "", "-5 -4 -3")]
    [InlineData("0", "1", "1e30", "0")]
    [InlineData("0", "3", "1e-25", "0 1 2 3")]
    [InlineData("0", "3", "1.00000000000000000000001", "0 1 2")]
    [InlineData("9007199254740991", "9007199254740992", "", "9007199254740991 9007199254740992")]
    public void An_int_takes_whole_numbers_each_once(string min, string max, string step, string values)
    {
        Assert.Equal(values.Split(' '), Given.ValuesOf(Given.Int(min, max, step)));
    }

    /// <summary>The definition, by brute force: min + k * step rounded half away from zero, each once.</summary>
    [Theory]
    [InlineData(-7, 9, 0.8)]
    [InlineData(-7, 9, 0.01)]
    [InlineData(-7, 9, 1.5)]
    [InlineData(-7, 9, 2.25)]
    [InlineData(-3, 3, 0.5)]
    [InlineData(-3, 3, 0.999)]
    [InlineData(-3, 3, 1.001)]
    [InlineData(-1, 0, 0.7)]
    public void An_int_with_a_fractional_step_follows_its_definition(int min, int max, decimal step)
    {
        var expected = new List<string>();
        for (var value = (decimal)min; value <= max; value += step)
        {
            expected.Add($"{Math.Round(value, MidpointRounding.AwayFromZero):0}");
        }

        Assert.Equal(
            expected.Select(static t => t is "-0" ? "0" : t).Distinct(),
            Given.ValuesOf(Given.Int($"{min}", $"{max}", FormattableString.Invariant($"{step}"))));
    }

    [Fact]
    public void Discrete_numbers_are_ordered_by_size_and_come_back_as_the_user_wrote_them()
    {
        Assert.Equal(["-1", "0.10", "1e0", " 3 ", "20"], Given.ValuesOf(Given.Discrete("20", "0.10", " 3 ", "1e0", "-1")));
    }

    [Fact]
    public void A_discrete_list_with_a_word_is_categorical()
    {
        var parameter = Given.Parameter(Given.Discrete("10", "9", "auto"));

        _ = Assert.IsType<CategoricalParameter>(parameter);
        Assert.Equal(["10", "9", "auto"], Given.ValuesOf(Given.Discrete("10", "9", "auto")));
        Assert.False(parameter.TryParse("9.0", out _));
    }

    [Fact]
    public void Entries_of_a_list_of_words_may_be_equal_as_numbers()
    {
        Assert.Equal(["1", "1.0", "x"], Given.ValuesOf(Given.Discrete("1", "1.0", "x")));
        Assert.Equal(["1", "1.0"], Given.ValuesOf(Given.Categorical("1", "1.0")));
    }

    [Fact]
    public void Every_type_may_have_one_value()
    {
        Assert.Equal(["2.5"], Given.ValuesOf(Given.Double("2.5", "2.5")));
        Assert.Equal(["0.0"], Given.ValuesOf(Given.Double("-0.0", "0")));
        Assert.Equal(["2.5"], Given.ValuesOf(Given.Double("2.5", "2.5", "0.1")));
        Assert.Equal(["2.5"], Given.ValuesOf(Given.Double("2.5", "2.5", "", Distribution.LogNormal)));
        Assert.Equal(["7"], Given.ValuesOf(Given.Int("7", "7", "", Distribution.Normal)));
        Assert.Equal(["0.10"], Given.ValuesOf(Given.Discrete("0.10")));
        Assert.Equal(["only"], Given.ValuesOf(Given.Categorical("only")));
    }

    [Fact]
    public void A_range_of_a_few_doubles_lists_them()
    {
        var spec = Given.Double("1", "1.0000000000000004");

        Assert.Equal(["1.0", "1.0000000000000002", "1.0000000000000004"], Given.ValuesOf(spec));
        Assert.True(Given.Parameter(spec).IsContinuum);
        Assert.Equal(["-5e-324", "0.0", "5e-324"], Given.ValuesOf(Given.Double("-5e-324", "5e-324")));
    }

    [Theory]
    [InlineData("0", "1")]
    [InlineData("-1.7e308", "1.7e308")]
    [InlineData("-1e-300", "1e-300")]
    [InlineData("1e300", "1.001e300")]
    [InlineData("1000", "1001")]
    public void A_wide_range_is_a_continuum(string min, string max)
    {
        var parameter = Given.Parameter(Given.Double(min, max));

        Assert.Null(parameter.Count);
        Assert.True(parameter.IsContinuum);
    }

    [Fact]
    public void Values_of_a_continuum_have_12_digits_of_the_range()
    {
        var unit = Given.Parameter(Given.Double("0", "1"));
        var far = Given.Parameter(Given.Double("1000", "1001"));

        Assert.Equal("0.333333333333", unit.Format(unit.Quantile(1.0 / 3)));
        Assert.Equal("1000.333333333333", far.Format(far.Quantile(1.0 / 3)));
    }

    public static TheoryData<string> EveryKind => [.. Kinds.Keys];

    private static Dictionary<string, ParameterSpec> Kinds { get; } = new()
    {
        ["double"] = Given.Double("0", "1"),
        ["negative double"] = Given.Double("-3", "-1", "", Distribution.Normal),
        ["log double"] = Given.Double("1e-7", "1", "", Distribution.LogUniform),
        ["log normal double"] = Given.Double("1e-7", "1e7", "", Distribution.LogNormal),
        ["widest double"] = Given.Double("-1.7976931348623157e308", "1.7976931348623157e308"),
        ["widest normal"] = Given.Double("-1.7976931348623157e308", "1.7976931348623157e308", "", Distribution.Normal),
        ["widest log"] = Given.Double("5e-324", "1.7976931348623157e308", "", Distribution.LogUniform),
        ["widest log normal"] = Given.Double("5e-324", "1.7976931348623157e308", "", Distribution.LogNormal),
        ["high narrow log"] = Given.Double("1e300", "1.0000001e300", "", Distribution.LogUniform),
        ["few doubles"] = Given.Double("1", "1.0000000000000004"),
        ["few doubles normal"] = Given.Double("1", "1.0000000000000004", "", Distribution.Normal),
        ["few high doubles log"] = Given.Double("1e10", "10000000000.00001", "", Distribution.LogNormal),
        ["few smallest doubles"] = Given.Double("-1e-323", "1e-323", "", Distribution.Normal),
        ["stepped"] = Given.Double("-0.3", "0.3", "0.1"),
        ["stepped log"] = Given.Double("0.1", "1000", "0.1", Distribution.LogNormal),
        ["stepped across the doubles"] = Given.Double("-1.7e308", "1.7e308", "1e307", Distribution.Normal),
        ["int"] = Given.Int("-10", "10"),
        ["int log"] = Given.Int("1", "100000", "", Distribution.LogUniform),
        ["int fractional"] = Given.Int("5", "100", "1.3", Distribution.Normal),
        ["int huge"] = Given.Int("-4000000000000000", "4000000000000000", "", Distribution.Normal),
        ["discrete"] = Given.Discrete("3", "2", "6"),
        ["discrete uneven"] = Given.Discrete("1", "1e3", "-1e300"),
        ["categorical"] = Given.Categorical("a", "b", "c"),
    };

    [Theory]
    [MemberData(nameof(EveryKind))]
    public void Every_drawn_value_is_written_and_read_back(string kind)
    {
        var parameter = Given.Parameter(Kinds[kind]);
        var philox = new Philox(7);

        foreach (var probability in Enumerable.Range(0, 2000).Select(i => (philox.Block((ulong)i, 0).First >> 11) / (double)(1L << 53))
            .Concat([0, double.Epsilon, Math.BitDecrement(1.0)]))
        {
            var coordinate = parameter.Quantile(probability);
            Assert.True(parameter.TryParse(parameter.Format(coordinate), out var back), parameter.Format(coordinate));
            Assert.Equal(coordinate, back);
            Assert.True(parameter.Count is not { } count || (coordinate >= 0 && coordinate < count));
        }
    }

    [Theory]
    [MemberData(nameof(EveryKind))]
    public void A_larger_probability_never_gives_a_smaller_value(string kind)
    {
        var parameter = Given.Parameter(Kinds[kind]);

        var values = Enumerable.Range(0, 5000).Select(i => parameter.Quantile(i / 5000.0)).ToArray();

        Assert.Equal(values.Order(), values);
        Assert.True(values[0] < values[^1]);
    }

    [Theory]
    [MemberData(nameof(EveryKind))]
    public void Both_ends_can_be_reached(string kind)
    {
        var parameter = Given.Parameter(Kinds[kind]);

        var (first, last) = (parameter.Quantile(0), parameter.Quantile(Math.BitDecrement(1.0)));

        if (parameter.Count is { } count)
        {
            // A probability has 53 bits, which is not enough to name each of 10^16 values.
            Assert.Equal(0, first);
            Assert.InRange(last, count > 1_000_000_000 ? count * (1 - 1e-12) : count - 1, count - 1);
        }
        else
        {
            Assert.True(parameter.TryParse(Kinds[kind].FeasibleSpace.Min, out var min));
            Assert.Equal(min, first);
        }
    }

    [Theory]
    [InlineData("5e-05", 5e-05)]
    [InlineData("0.00005", 5e-05)]
    [InlineData("1", 1)]
    [InlineData("+0.5", 0.5)]
    public void A_continuum_reads_any_spelling_within_its_bounds(string text, double value)
    {
        Assert.True(Given.Parameter(Given.Double("0", "1")).TryParse(text, out var coordinate));
        Assert.Equal(value, coordinate);
    }

    [Fact]
    public void Foreign_spellings_of_a_value_are_that_value()
    {
        var stepped = Given.Parameter(Given.Double("-0.3", "0.3", "0.1"));
        var whole = Given.Parameter(Given.Int("1", "5"));
        var discrete = Given.Parameter(Given.Discrete("0.10", "1"));

        Assert.True(stepped.TryParse("0.30000000000000004", out var atEnd) && stepped.Format(atEnd) is "0.3");
        Assert.True(stepped.TryParse("5.551115123125783e-17", out var zero) && stepped.Format(zero) is "0.0");
        Assert.True(whole.TryParse("3.0", out var three) && whole.Format(three) is "3");
        Assert.True(discrete.TryParse("1e-1", out var tenth) && discrete.Format(tenth) is "0.10");
    }

    [Theory]
    [InlineData("0.4")]
    [InlineData("0.25")]
    [InlineData("-0.4")]
    [InlineData("1e300")]
    [InlineData("NaN")]
    [InlineData("")]
    [InlineData("x")]
    public void What_is_no_value_is_not_read(string text)
    {
        Assert.False(Given.Parameter(Given.Double("-0.3", "0.3", "0.1")).TryParse(text, out _));
        Assert.False(Given.Parameter(Given.Int("1", "5")).TryParse(text, out _));
        Assert.False(Given.Parameter(Given.Discrete("1", "2")).TryParse(text, out _));
        Assert.False(Given.Parameter(Given.Categorical("a")).TryParse(text, out _));
        Assert.False(Given.Parameter(Given.Double("2", "3")).TryParse(text, out _));
    }

    [Fact]
    public void Under_uniform_a_range_of_doubles_across_a_power_of_two_has_its_median_in_the_middle()
    {
        var parameter = Given.Parameter(Given.Double("0.99995", "1.00005"));

        Assert.NotNull(parameter.Count);
        Assert.Equal(1.0, double.Parse(parameter.Format(parameter.Quantile(0.5)), null), 1e-12);
    }
}
