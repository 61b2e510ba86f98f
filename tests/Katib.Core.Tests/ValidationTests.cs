namespace Katib.Core.Tests;

/// <summary>
/// Every way in which a search space can be wrong, with the place and the sentence that the user gets.
/// </summary>
public sealed class ValidationTests
{
    private const string Space = "parameters[0].feasibleSpace";
    private const string Most = "9007199254740992";
    private const string NoWhole = $"must be a whole number between -{Most} and {Most}; for others use a double";

    [Theory]
    [InlineData("5", "1", "", "min", "5", "must not be above max '1'; swap the two")]
    [InlineData("1.00000000000000001", "1", "", "min", "1.00000000000000001", "must not be above max '1'; swap the two")]
    [InlineData("", "1", "", "min", "", "is missing; give a number")]
    [InlineData("0", "", "", "max", "", "is missing; give a number")]
    [InlineData("a", "1", "", "min", "a", "must be a finite number of at most 400 characters")]
    [InlineData("0", "NaN", "", "max", "NaN", "must be a finite number of at most 400 characters")]
    [InlineData("-Infinity", "1", "", "min", "-Infinity", "must be a finite number of at most 400 characters")]
    [InlineData("0", "inf", "", "max", "inf", "must be a finite number of at most 400 characters")]
    [InlineData("0", "1e999", "", "max", "1e999", "must be a finite number of at most 400 characters")]
    [InlineData("0", "1,5", "", "max", "1,5", "must be a finite number of at most 400 characters")]
    [InlineData("0", "1", "x", "step", "x", "must be a finite number of at most 400 characters")]
    [InlineData("0", "1", "NaN", "step", "NaN", "must be a finite number of at most 400 characters")]
    [InlineData("0", "1", "0", "step", "0", "must be above 0")]
    [InlineData("0", "1", "-0.1", "step", "-0.1", "must be above 0")]
    [InlineData("0", "1", "1e-400", "step", "1e-400", "must be above 0")]
    [InlineData("0", "1", "1e-17", "step", "1e-17", "leaves more than 9007199254740992 values; use a larger step")]
    [InlineData("1e16", "1.1e16", "0.5", "step", "0.5", "is finer than numbers around 1.1e+16 are; use a larger step")]
    [InlineData("-1e16", "1", "10.5", null, "", "")]
    public void A_wrong_double_is_refused(
        string min, string max, string step, string? field, string value, string message)
    {
        var problems = Given.Problems(Given.Double(min, max, step));

        Assert.Equal(field is null ? [] : [new Problem($"{Space}.{field}", value, message)], problems);
    }

    [Theory]
    [InlineData("1.5", "5", "", "min", "1.5", NoWhole)]
    [InlineData("1", "1e3", "", "max", "1e3", NoWhole)]
    [InlineData("1", "9007199254740993", "", "max", "9007199254740993", NoWhole)]
    [InlineData("", "5", "", "min", "", "is missing; give a whole number")]
    [InlineData("1", "", "", "max", "", "is missing; give a whole number")]
    [InlineData("5", "1", "", "min", "5", "must not be above max '1'; swap the two")]
    [InlineData("1", "5", "0", "step", "0", "must be above 0")]
    [InlineData("1", "5", "two", "step", "two", "must be a finite number of at most 400 characters")]
    [InlineData("-" + Most, Most, "", "max", Most, $"leaves more than {Most} values; narrow the range or use a double")]
    public void A_wrong_int_is_refused(string min, string max, string step, string field, string value, string message)
    {
        Assert.Equal([new Problem($"{Space}.{field}", value, message)], Given.Problems(Given.Int(min, max, step)));
    }

    [Theory]
    [InlineData(Distribution.LogUniform, "0", "must be above 0 under logUniform; raise it, or use uniform or normal")]
    [InlineData(Distribution.LogNormal, "-1", "must be above 0 under logNormal; raise it, or use uniform or normal")]
    public void A_logarithmic_range_starts_above_zero(Distribution distribution, string min, string message)
    {
        var expected = new Problem($"{Space}.min", min, message);

        Assert.Equal([expected], Given.Problems(Given.Double(min, "1", "", distribution)));
        Assert.Equal([expected], Given.Problems(Given.Int(min, "1", "", distribution)));
    }

    [Fact]
    public void Every_entry_of_a_logarithmic_list_is_above_zero()
    {
        var problems = Given.Problems(Under(Distribution.LogUniform, Given.Discrete("1", "0", "-2")));

        Assert.Equal(
            [
                new($"{Space}.list[1]", "0", "must be above 0 under logUniform; use uniform or normal"),
                new($"{Space}.list[2]", "-2", "must be above 0 under logUniform; use uniform or normal"),
            ],
            problems);
    }

    [Fact]
    public void An_empty_list_is_refused()
    {
        var expected = new Problem($"{Space}.list", "", "is empty; list the values that the parameter may take");

        Assert.Equal([expected], Given.Problems(Given.Discrete()));
        Assert.Equal([expected], Given.Problems(Given.Categorical()));
        Assert.Equal([expected], Given.Problems(new ParameterSpec("x", ParameterType.Categorical, new())));
    }

    [Fact]
    public void Of_countless_equal_entries_the_first_twenty_are_told()
    {
        Assert.Equal(20, Given.Problems(Given.Categorical([.. Enumerable.Repeat("a", 1000)])).Count);
    }

    [Fact]
    public void Equal_entries_are_refused_each_with_the_one_it_equals()
    {
        Assert.Equal(
            [
                new($"{Space}.list[1]", "1.0", "equals entry 0, '1'; remove one of them"),
                new($"{Space}.list[3]", "-0", "equals entry 2, '0'; remove one of them"),
            ],
            Given.Problems(Given.Discrete("1", "1.0", "0", "-0")));
        Assert.Equal(
            [new($"{Space}.list[2]", "a", "equals entry 0, 'a'; remove one of them")],
            Given.Problems(Given.Categorical("a", "b", "a")));
    }

    [Theory]
    [InlineData(Distribution.Normal, "normal")]
    [InlineData(Distribution.LogUniform, "logUniform")]
    [InlineData(Distribution.LogNormal, "logNormal")]
    public void A_list_of_words_has_no_distribution(Distribution distribution, string text)
    {
        const string Message = "does not apply to a list whose entries are not all numbers; remove it";

        Assert.Equal(
            [new($"{Space}.distribution", text, Message)],
            Given.Problems(Under(distribution, Given.Categorical("a", "b"))));
    }

    [Fact]
    public void Unknown_types_and_distributions_are_refused()
    {
        Assert.Equal(
            [new("parameters[0].parameterType", "unknown", "must be one of double, int, discrete, categorical")],
            Given.Problems(new ParameterSpec("x", ParameterType.Unknown, new("1", "2"))));
        Assert.Equal(
            [new($"{Space}.distribution", "unknown", "must be one of uniform, logUniform, normal, logNormal")],
            Given.Problems(Given.Double("1", "2", "", Distribution.Unknown)));
    }

    [Fact]
    public void A_name_that_stands_twice_is_told_in_one_sentence()
    {
        var problems = Given.Problems(Given.Int("1", "2"), Given.Double("1", "2"));

        Assert.Equal(
            [
                new(
                    "parameters[1].name",
                    "x",
                    "stands twice; give every parameter a name of its own",
                    "Detect duplicated parameter name: x"),
            ],
            problems);
        Assert.Equal("Detect duplicated parameter name: x", new InvalidStudyException([.. problems]).Message);
    }

    [Fact]
    public void A_parameter_needs_a_name()
    {
        Assert.Equal(
            [new("parameters[0].name", "", "is missing; give every parameter a name")],
            Given.Problems(Given.Int("1", "2") with { Name = "" }));
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        var problems = Given.Problems(
            Given.Double("a", "b", "-1", Distribution.Unknown),
            Given.Int("5", "1", "0") with { Name = "y" },
            Given.Categorical() with { Name = "y" },
            Given.Int("x", "") with { Name = "" });

        Assert.Equal(
            [
                "parameters[0].feasibleSpace.distribution",
                "parameters[0].feasibleSpace.min",
                "parameters[0].feasibleSpace.max",
                "parameters[0].feasibleSpace.step",
                "parameters[1].feasibleSpace.min",
                "parameters[1].feasibleSpace.step",
                "parameters[2].name",
                "parameters[2].feasibleSpace.list",
                "parameters[3].name",
                "parameters[3].feasibleSpace.min",
                "parameters[3].feasibleSpace.max",
            ],
            problems.Select(static p => p.Field));
    }

    [Fact]
    public void Several_problems_are_joined_with_field_value_and_remedy()
    {
        var problems = Given.Problems(Given.Double("2", "1"), Given.Int("", "1") with { Name = "y" });

        Assert.Equal(
            "parameters[0].feasibleSpace.min '2' must not be above max '1'; swap the two; "
                + "parameters[1].feasibleSpace.min is missing; give a whole number",
            new InvalidStudyException([.. problems]).Message);
    }

    [Fact]
    public void A_text_longer_than_any_number_is_refused()
    {
        var problem = Assert.Single(Given.Problems(Given.Double(new string('0', 500) + "1", "2")));

        Assert.Equal($"{Space}.min", problem.Field);
    }

    private static ParameterSpec Under(Distribution distribution, ParameterSpec spec) =>
        spec with { FeasibleSpace = spec.FeasibleSpace with { Distribution = distribution } };
}
