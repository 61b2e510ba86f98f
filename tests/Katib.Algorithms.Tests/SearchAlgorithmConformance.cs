using System.Globalization;

namespace Katib.Algorithms.Tests;

/// <summary>What every search algorithm holds to; one subclass for each.</summary>
public abstract class SearchAlgorithmConformance
{
    /// <summary>The algorithm under test.</summary>
    protected abstract ISearchAlgorithm Algorithm { get; }

    /// <summary>Its name, as users ask for it.</summary>
    protected abstract string Name { get; }

    /// <summary>Whether it can search a double without a step.</summary>
    protected abstract bool SearchesContinua { get; }

    public static TheoryData<int> Dimensions => [1, 2, 3, 5, 8, 13, 20];

    [Theory]
    [MemberData(nameof(Dimensions))]
    public void Suggestions_lie_in_the_space(int dimensions)
    {
        var study = Mixed(dimensions);

        var suggestions = Algorithm.Ask(study, 5);

        Assert.Equal(5, suggestions.Length);
        Assert.All(suggestions, s =>
        {
            Assert.Equal(study.Space.Parameters.Select(static p => p.Name), s.Assignments.Select(static a => a.Name));
            var point = study.Space.Parse(s.Assignments);
            Assert.NotNull(point);
            Assert.Equal(s.Assignments, study.Space.Format(point.Value));
        });
    }

    [Theory]
    [MemberData(nameof(Dimensions))]
    public void The_same_study_gives_the_same_suggestions(int dimensions)
    {
        var first = Algorithm.Ask(Mixed(dimensions), 5);
        var second = Algorithm.Ask(Mixed(dimensions), 5);

        Assert.Equal(Given.Texts(first), Given.Texts(second));
    }

    [Fact]
    public void Suggestions_do_not_depend_on_the_culture()
    {
        var expected = Given.Texts(Algorithm.Ask(Mixed(8), 5));
        var before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            culture.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = culture;

            Assert.Equal(expected, Given.Texts(Algorithm.Ask(Mixed(8), 5)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void The_order_of_the_trials_does_not_matter()
    {
        var controller = new Controller(Algorithm, Mixed(5)).Take(batch: 4, times: 5);
        var expected = Given.Texts(Algorithm.Ask(controller.Request, 3));

        for (var seed = 0; seed < 10; seed++)
        {
            controller.Order = new Dice(seed).Shuffled;
            Assert.Equal(expected, Given.Texts(Algorithm.Ask(controller.Request, 3)));
        }
    }

    [Fact]
    public void A_count_of_zero_only_validates()
    {
        Assert.Empty(Algorithm.Ask(Mixed(3), 0));
        Assert.Empty(Algorithm.Ask(Mixed(3) with { Issued = 1_000_000 }, 0));
        Assert.Empty(Algorithm.Ask(Given.Study(), 0));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 50)]
    [InlineData(1, 7)]
    [InlineData(1000, 20)]
    public void A_reply_holds_exactly_the_number_asked(int issued, int count)
    {
        Assert.Equal(count, Algorithm.Ask(Mixed(5) with { Issued = issued }, count).Length);
    }

    [Fact]
    public void An_unknown_setting_is_named()
    {
        Assert.Equal($"unknown setting unknown_conf for algorithm {Name}", Refusal(Mixed(2).With("unknown_conf", "1111")));
    }

    [Theory]
    [InlineData("-1", "random_state should be great or equal than zero")]
    [InlineData("aaa", "failed to validate random_state(aaa): must be a whole number")]
    public void A_malformed_random_state_is_named(string value, string message)
    {
        Assert.Equal(message, Refusal(Mixed(2).With("random_state", value)));
    }

    [Fact]
    public void All_wrong_settings_are_told_at_once()
    {
        var study = Mixed(2).With("x", "1").With("random_state", "-1").With("random_state", "2").With("allow_duplicates", "no");

        Assert.Equal(
            "random_state should be great or equal than zero; "
                + "failed to validate allow_duplicates(no): must be true or false; "
                + $"unknown setting x for algorithm {Name}; "
                + "algorithm.algorithmSettings[2].name 'random_state' stands twice; remove one of them",
            Refusal(study));
    }

    [Fact]
    public void Without_a_random_state_the_experiments_name_seeds_and_with_one_it_does_not()
    {
        var study = Mixed(5).With("random_state", "7");

        Assert.Equal(
            Given.Texts(Algorithm.Ask(study, 5)), Given.Texts(Algorithm.Ask(study with { Name = "other" }, 5)));
        Assert.NotEqual(
            Given.Texts(Algorithm.Ask(study, 5)), Given.Texts(Algorithm.Ask(Mixed(5).With("random_state", "8"), 5)));
    }

    [Fact]
    public void One_value_parameters_of_every_type_keep_their_value()
    {
        var study = Study(
            Given.Double("a", "2.5", "2.5"),
            Given.Double("b", "-1", "-1", "0.1"),
            Given.Int("c", "7", "7", "", Distribution.LogUniform),
            Given.Discrete("d", "0.10"),
            Given.Categorical("e", "only"),
            Given.Int("f", "1", "3"));

        var suggestions = Algorithm.Ask(study, 3);

        Assert.Equal(
            ["2.5 -1.0 7 0.10 only 1", "2.5 -1.0 7 0.10 only 2", "2.5 -1.0 7 0.10 only 3"],
            Given.Values(suggestions).Order());
    }

    [Fact]
    public void A_space_of_one_point_has_one_suggestion()
    {
        Assert.Equal(["1"], Given.Values(Algorithm.Ask(Study(Given.Int("a", "1", "1")), 1)));
    }

    [Fact]
    public void Losses_that_are_no_finite_number_are_survived()
    {
        var study = Mixed(4);
        double?[] losses = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.MaxValue, null, 0];
        var trials = Algorithm.Ask(study, losses.Length)
            .Select((s, i) => Given.Trial(study.Space, s, TrialStatus.Succeeded, losses[i]));

        var suggestions = Algorithm.Ask(study with { Trials = [.. trials], Issued = losses.Length }, 6);

        Assert.Equal(6, Given.Texts(suggestions).Distinct().Count());
    }

    [Fact]
    public void Trials_that_are_no_point_of_the_space_are_survived()
    {
        var strange = new Trial("strange", Point: null, TrialStatus.Succeeded, Loss: 1);

        var suggestions = Algorithm.Ask(Mixed(4) with { Trials = [strange, strange], Issued = 2 }, 6);

        Assert.Equal(6, Given.Texts(suggestions).Distinct().Count());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(20, 40)]
    public void Asking_again_with_the_points_as_trials_repeats_none(int first, int second)
    {
        var controller = new Controller(Algorithm, Mixed(3));

        _ = controller.Take(first);
        _ = controller.Take(second);

        Assert.Equal(first + second, Given.Texts(controller.Issued).Distinct().Count());
    }

    [Fact]
    public void No_trial_is_repeated_whatever_its_state_and_wherever_it_came_from()
    {
        var study = Mixed(3);
        var tried = Algorithm.Ask(study, 24);
        var shown = study.Tried(tried.Where((_, i) => i % 2 is 1));

        foreach (var issued in (int[])[0, 1, 12, 24])
        {
            var suggestions = Given.Texts(Algorithm.Ask(shown with { Issued = issued }, 10));

            Assert.Equal(10, suggestions.Distinct().Count());
            Assert.Empty(suggestions.Intersect(Given.Texts(tried.Where((_, i) => i % 2 is 1))));
        }
    }

    [Fact]
    public void A_lost_reply_is_given_again()
    {
        var controller = new Controller(Algorithm, Mixed(5)).Take(batch: 3, times: 2);

        var lost = Algorithm.Ask(controller.Request, 4);

        Assert.Equal(Given.Texts(lost), Given.Texts(controller.Take(4)));
    }

    [Fact]
    public void Concurrent_calls_do_not_interfere()
    {
        var studies = Enumerable.Range(0, 16).Select(i => Mixed(5) with { Name = $"study-{i % 4}", Issued = i }).ToArray();
        var expected = studies.Select(s => string.Join('\n', Given.Texts(Algorithm.Ask(s, 20)))).ToArray();
        var actual = new string[studies.Length];

        _ = Parallel.For(0, studies.Length, i => actual[i] = string.Join('\n', Given.Texts(Algorithm.Ask(studies[i], 20))));

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_cancelled_call_ends()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        _ = Assert.ThrowsAny<OperationCanceledException>(() => Algorithm.Suggest(Mixed(5), 1000, cancelled.Token));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    public void The_first_60_of_60_points_are_distinct(int batch)
    {
        var controller = new Controller(Algorithm, Study(
            Given.Categorical("a", "1", "2", "3", "4", "5"),
            Given.Categorical("b", "w", "x", "y", "z"),
            Given.Categorical("c", "red", "green", "blue")));

        _ = controller.Take(batch, times: (60 + batch - 1) / batch);

        Assert.Equal(60, Given.Texts(controller.Issued.Take(60)).Distinct().Count());
    }

    /// <summary>A study of this algorithm.</summary>
    private protected Study Study(params IEnumerable<ParameterSpec> specs)
    {
        var study = Given.Study(specs);
        return study with { Settings = study.Settings with { Algorithm = Name } };
    }

    /// <summary>So many parameters of all types, more than 10,000 points, the first one being an int.</summary>
    private protected Study Mixed(int dimensions) => Study(Enumerable.Range(0, dimensions).Select(i => (i % 7) switch
    {
        0 => Given.Int($"p{i}", "-9999", "9999"),
        1 => Given.Double($"p{i}", "-3", "3", SearchesContinua ? "" : "0.01", Distribution.Normal),
        2 => Given.Double($"p{i}", "1e-5", "1e-1", SearchesContinua ? "" : "1e-5", Distribution.LogUniform),
        3 => Given.Discrete($"p{i}", "0.10", "3", "2"),
        4 => Given.Categorical($"p{i}", "sgd", "adam", "ftrl"),
        5 => Given.Double($"p{i}", "5", "10", "0.8", Distribution.LogNormal),
        _ => Given.Int($"p{i}", "5", "100", "1.3"),
    }));

    private string Refusal(Study study) =>
        Assert.Throws<InvalidStudyException>(() => Algorithm.Ask(study, 0)).Message;
}
