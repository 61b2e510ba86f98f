using System.Globalization;

namespace Katib.Core.Tests;

public sealed class AlgorithmSettingsTests
{
    [Fact]
    public void Settings_are_read_by_name()
    {
        var read = Read(("allow_duplicates", "True"), ("random_state", "42"));

        Assert.Equal(42, read.RandomState());
        Assert.True(read.Flag("allow_duplicates"));
        read.ThrowIfInvalid();
    }

    [Fact]
    public void What_is_not_set_has_no_value()
    {
        var read = Read();

        Assert.Null(read.RandomState());
        Assert.Null(read.WholeNumber("grid_points", 1, 10));
        Assert.False(read.Flag("allow_duplicates"));
        read.ThrowIfInvalid();
    }

    [Theory]
    [InlineData("-1", "random_state should be great or equal than zero")]
    [InlineData("aaa", "failed to validate random_state(aaa): must be a whole number")]
    [InlineData("", "failed to validate random_state(): must be a whole number")]
    [InlineData("1.0", "failed to validate random_state(1.0): must be a whole number")]
    [InlineData("9223372036854775808", "algorithm.algorithmSettings[0].value '9223372036854775808' must be at most 9223372036854775807")]
    public void A_wrong_random_state_is_told_in_Katibs_words(string value, string message)
    {
        var read = Read(("random_state", value));

        Assert.Null(read.RandomState());
        Assert.Equal(message, Message(read));
    }

    [Fact]
    public void The_largest_random_state_is_accepted()
    {
        Assert.Equal(long.MaxValue, Read(("random_state", "9223372036854775807")).RandomState());
        Assert.Equal(0, Read(("random_state", "0")).RandomState());
    }

    [Fact]
    public void An_unknown_setting_is_named()
    {
        var read = Read(("unknown_conf", "1111"));
        _ = read.RandomState();

        var problem = Assert.Single(Assert.Throws<InvalidStudyException>(read.ThrowIfInvalid).Problems);

        Assert.Equal("unknown setting unknown_conf for algorithm random", problem.KatibMessage);
        Assert.Equal("algorithm.algorithmSettings[0].name", problem.Field);
        Assert.Equal("unknown_conf", problem.Value);
        Assert.Equal("is no setting of random; it has random_state", problem.Message);
    }

    [Fact]
    public void A_setting_that_stands_twice_is_refused()
    {
        var read = Read(("random_state", "1"), ("random_state", "2"));
        _ = read.RandomState();

        Assert.Equal("algorithm.algorithmSettings[1].name 'random_state' stands twice; remove one of them", Message(read));
    }

    [Theory]
    [InlineData("0", "algorithm.algorithmSettings[0].value '0' must be at least 1")]
    [InlineData("11", "algorithm.algorithmSettings[0].value '11' must be at most 10")]
    [InlineData("x", "failed to validate grid_points(x): must be a whole number")]
    public void A_whole_number_has_bounds(string value, string message)
    {
        var read = Read(("grid_points", value));

        Assert.Null(read.WholeNumber("grid_points", 1, 10));
        Assert.Equal(message, Message(read));
    }

    [Fact]
    public void A_flag_is_true_or_false()
    {
        var read = Read(("allow_duplicates", "yes"));

        Assert.False(read.Flag("allow_duplicates"));
        Assert.Equal("failed to validate allow_duplicates(yes): must be true or false", Message(read));
    }

    [Fact]
    public void Several_problems_are_all_told()
    {
        var read = Read(("random_state", "-1"), ("sigma", "1"), ("allow_duplicates", "x"), ("gamma", "2"));
        _ = read.RandomState();
        _ = read.Flag("allow_duplicates");
        read.Reject(new("maxTrialCount", "7", "is too many"));

        Assert.Equal(
            "random_state should be great or equal than zero; "
                + "failed to validate allow_duplicates(x): must be true or false; "
                + "maxTrialCount '7' is too many; "
                + "unknown setting sigma for algorithm random; unknown setting gamma for algorithm random",
            Message(read));
    }

    [Fact]
    public void Settings_do_not_depend_on_the_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = NumbersTests.German();
            var read = Read(("random_state", "-1"));
            _ = read.RandomState();

            Assert.Equal("random_state should be great or equal than zero", Message(read));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static string Message(SettingsReader read) => Assert.Throws<InvalidStudyException>(read.ThrowIfInvalid).Message;

    private static SettingsReader Read(params (string Name, string Value)[] settings) =>
        new AlgorithmSettings("random", [.. settings.Select(static s => KeyValuePair.Create(s.Name, s.Value))]).Read();
}
