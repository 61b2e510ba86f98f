using Katib.Algorithms.Grid;

namespace Katib.Algorithms.Tests;

public sealed class GridSearchTests
{
    private static readonly GridSearch Grid = new();

    private static readonly Study Twelve = Given.Study(
        Given.Double("a", "0.5", "0.6", "0.1"), Given.Categorical("b", "y", "x"), Given.Int("c", "1", "3"));

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, TestSize.Cases)];

    /// <summary>A random space in random batches, with trials in all states, shuffled, some of them hidden.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_combination_is_suggested_exactly_once(int seed)
    {
        var dice = new Dice(seed);
        var study = RandomStudy(dice);
        var size = (int)study.Space.Size!.Value;
        var hidden = dice.Below(3) is 0 ? 2 : int.MaxValue;
        var controller = new Controller(Grid, study)
        {
            Order = dice.Shuffled,
            Shows = i => i % hidden is not 1,
        };

        var before = 0;
        while (controller.Issued.Count < size)
        {
            before = controller.Issued.Count;
            var request = controller.Request;
            var reply = controller.Take(1 + dice.Below(7));
            Assert.Equal(Given.Texts(reply), Given.Texts(new GridSearch().Ask(request, reply.Count)));
        }

        var texts = Given.Texts(controller.Issued);
        Assert.Equal(AllCombinations(study.Space).Order(StringComparer.Ordinal), texts.Take(size).Order(StringComparer.Ordinal));
        Assert.Subset(texts.Skip(before).Take(size - before).ToHashSet(), texts.Skip(size).ToHashSet());
        var end = Assert.Throws<SpaceUsedUpException>(() => controller.Take(1));
        Assert.Equal($"all {size} combinations are suggested; set maxTrialCount to {size}", end.Message);
    }

    [Fact]
    public void The_order_is_lexicographic_and_the_last_parameter_runs_fastest()
    {
        Assert.Equal(
            [
                "0.5 y 1", "0.5 y 2", "0.5 y 3", "0.5 x 1", "0.5 x 2", "0.5 x 3",
                "0.6 y 1", "0.6 y 2", "0.6 y 3", "0.6 x 1", "0.6 x 2", "0.6 x 3",
            ],
            Given.Values(Grid.Ask(Twelve, 12)));
    }

    [Fact]
    public void A_random_state_shuffles_the_order()
    {
        var plain = Given.Values(Grid.Ask(Twelve, 12));
        var seven = Given.Values(Grid.Ask(Twelve.With("random_state", "7"), 12));
        var eight = Given.Values(Grid.Ask(Twelve.With("random_state", "8"), 12));

        Assert.NotEqual(plain, seven);
        Assert.NotEqual(eight, seven);
        Assert.Equal(plain.Order(), seven.Order());
    }

    [Fact]
    public void The_last_reply_is_filled_with_points_of_its_own()
    {
        var controller = new Controller(Grid, Twelve).Take(batch: 5, times: 2);

        Assert.Equal(["0.6 x 2", "0.6 x 3", "0.6 x 2", "0.6 x 3", "0.6 x 2"], Given.Values(controller.Take(5)));
        _ = Assert.Throws<SpaceUsedUpException>(() => controller.Take(5));
    }

    [Fact]
    public void A_used_up_grid_is_still_valid()
    {
        Assert.Empty(Grid.Ask(Twelve with { Issued = 12 }, 0));
    }

    [Fact]
    public void With_allow_duplicates_the_grid_starts_over()
    {
        var study = Twelve.With("allow_duplicates", "true") with { MaxTrialCount = 100 };
        var controller = new Controller(Grid, study).Take(batch: 12, times: 1);

        Assert.Equal(["0.5 y 1", "0.5 y 2"], Given.Values(controller.Take(2)));
        Assert.Equal("0.5 y 3", Assert.Single(Given.Values(controller.Take(1))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    public void A_huge_product_costs_nothing(string randomState)
    {
        var study = Given.Study(Enumerable.Range(0, 20).Select(static i => Given.Int($"p{i}", "1", "10000000")));
        study = randomState.Length > 0 ? study.With("random_state", randomState) : study;

        var first = Grid.Ask(study, 20);
        var late = Grid.Ask(study with { Issued = int.MaxValue }, 20);

        Assert.Equal(40, Given.Texts(first.Concat(late)).Distinct().Count());
        Assert.Equal(randomState.Length is 0, first[19].Assignments[^1].Value is "20");
    }

    [Fact]
    public void A_budget_above_the_size_is_refused_in_Katibs_words()
    {
        var study = Given.Study(Given.Int("a", "1", "5"), Given.Double("b", "1", "5", "1"));

        Assert.Empty(Grid.Ask(study with { MaxTrialCount = 25 }, 0));
        Assert.Empty(Grid.Ask(study with { MaxTrialCount = null }, 0));
        Assert.Equal("Max Trial Count: 26 > all possible search combinations: 25", Refusal(study with { MaxTrialCount = 26 }));
        Assert.Empty(Grid.Ask(study.With("allow_duplicates", "true") with { MaxTrialCount = 26 }, 0));
    }

    [Theory]
    [InlineData("0", "1")]
    [InlineData("0.5", "0.50001")]
    [InlineData("1", "1.0000000000000004")]
    public void A_double_without_a_step_is_refused_in_Katibs_words(string min, string max)
    {
        var study = Given.Study(Given.Int("a", "1", "5"), Given.Double("b", min, max));

        var refusal = Assert.Throws<InvalidStudyException>(() => Grid.Ask(study, 1));

        Assert.Equal("Param b step is nil; For discrete search space, all parameters must include step", refusal.Message);
        var problem = Assert.Single(refusal.Problems);
        Assert.Equal("parameters[1].feasibleSpace.step", problem.Field);
        Assert.Equal(
            "is missing, and a grid cannot list a continuum; set a step, or the algorithm setting grid_points", problem.Message);
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        var study = Given.Study(Given.Double("a", "0", "1"), Given.Double("b", "0", "1")).With("random_state", "-1");

        Assert.Equal(
            "random_state should be great or equal than zero; "
                + "Param a step is nil; For discrete search space, all parameters must include step; "
                + "Param b step is nil; For discrete search space, all parameters must include step",
            Refusal(study));
    }

    [Theory]
    [InlineData("0", "algorithm.algorithmSettings[0].value '0' must be at least 1")]
    [InlineData("10001", "algorithm.algorithmSettings[0].value '10001' must be at most 10000")]
    [InlineData("many", "failed to validate grid_points(many): must be a whole number")]
    public void A_wrong_number_of_grid_points_is_refused(string points, string message)
    {
        Assert.Equal(message, Refusal(Given.Study(Given.Double("a", "0", "1")).With("grid_points", points)));
    }

    [Theory]
    [InlineData("0", "1", Distribution.Uniform, "5", "0.0 0.25 0.5 0.75 1.0")]
    [InlineData("-1", "2", Distribution.Uniform, "4", "-1.0 0.0 1.0 2.0")]
    [InlineData("0.0001", "1", Distribution.LogUniform, "5", "0.0001 0.001 0.01 0.1 1.0")]
    [InlineData("0.123456789012345", "0.923456789012345", Distribution.Normal, "2", "0.123456789012345 0.923456789012345")]
    [InlineData("0", "10", Distribution.Normal, "3", "0.0 5.0 10.0")]
    [InlineData("0", "10", Distribution.Uniform, "1", "5.0")]
    [InlineData("1", "1.0000000000000002", Distribution.Uniform, "5", "1.0 1.0000000000000002")]
    public void Grid_points_spread_a_double_without_a_step(
        string min, string max, Distribution distribution, string points, string expected)
    {
        var study = Given.Study(Given.Double("a", min, max, "", distribution)).With("grid_points", points);
        var values = expected.Split(' ');

        Assert.Equal(values, Given.Values(Grid.Ask(study, values.Length)));
        _ = Assert.Throws<SpaceUsedUpException>(() => Grid.Ask(study with { Issued = values.Length }, 1));
    }

    [Fact]
    public void Grid_points_leave_steps_and_lists_alone_and_pass_over_trials()
    {
        var study = Given.Study(Given.Double("a", "0", "1"), Given.Int("b", "1", "3")).With("grid_points", "2");
        var shown = study.Tried(Grid.Ask(study, 6).Where(static (_, i) => i is 1 or 2)) with { Issued = 0 };

        Assert.Equal(["0.0 1", "0.0 2", "0.0 3", "1.0 1", "1.0 2", "1.0 3"], Given.Values(Grid.Ask(study, 6)));
        Assert.Equal(["0.0 1", "1.0 1", "1.0 2", "1.0 3"], Given.Values(Grid.Ask(shown, 4)));
    }

    [Fact]
    public void Grid_points_pass_over_trials_that_lie_between_them()
    {
        var study = Given.Study(Given.Double("a", "0", "1")).With("grid_points", "3");
        var between = Given.Trial(study.Space, new([new("a", "0.3")]), TrialStatus.Succeeded);

        Assert.Equal(["0.0", "0.5", "1.0"], Given.Values(Grid.Ask(study with { Trials = [between] }, 3)));
    }

    private static string Refusal(Study study) =>
        Assert.Throws<InvalidStudyException>(() => Grid.Ask(study, 0)).Message;

    private static Study RandomStudy(Dice dice)
    {
        var study = Given.Study(Enumerable.Range(0, 1 + dice.Below(4)).Select(i => RandomParameter(dice, $"p{i}")));
        return dice.Below(2) is 0 ? study : study.With("random_state", $"{dice.Below(1000)}");
    }

    private static ParameterSpec RandomParameter(Dice dice, string name)
    {
        var min = dice.Below(20) - 10;
        var words = dice.Shuffled((string[])["a", "b", "c", "d", "e"]);
        var numbers = dice.Shuffled((string[])["1", "0.20", "-3", "4e2"]);
        return dice.Below(6) switch
        {
            0 => Given.Int(name, $"{min}", $"{min + dice.Below(6)}", dice.OneOf("", "0.7", "1", "1.5", "2")),
            1 => Given.Double(name, $"{min}", $"{min + 1}", dice.OneOf("0.2", "0.3", "0.45", "2")),
            2 => Given.Double(name, "0.01", "0.05", dice.OneOf("0.01", "0.015"), dice.OneOf(Distribution.Normal, Distribution.LogUniform)),
            3 => Given.Discrete(name, numbers[..(1 + dice.Below(4))]),
            4 => Given.Categorical(name, words[..(1 + dice.Below(5))]),
            _ => Given.Double(name, $"{min}.5", $"{min}.5"),
        };
    }

    private static IEnumerable<string> AllCombinations(SearchSpace space)
    {
        IEnumerable<string> lines = [""];
        foreach (var parameter in space.Parameters)
        {
            lines = lines.SelectMany(line => Enumerable.Range(0, (int)parameter.Count!.Value)
                .Select(k => $"{line},{parameter.Name}={parameter.Format(k)}"));
        }

        return lines.Select(static l => l[1..]);
    }
}
