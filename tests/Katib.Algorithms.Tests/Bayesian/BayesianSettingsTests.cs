using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>Katib's words for what is wrong: `katib-facts` 2.4 and 9.3 SK2.</summary>
public sealed class BayesianSettingsTests
{
    private static readonly BayesianOptimization Algorithm = new();

    private static readonly Study Plane = Given.Study(Given.Double("x", "0", "1"), Given.Double("y", "0", "1")) with
    {
        Settings = new("bayesianoptimization", []),
    };

    [Theory]
    [InlineData("random_state", "-1", "random_state should be great or equal than zero")]
    [InlineData("random_state", "1.5", "failed to validate random_state(1.5): must be a whole number")]
    [InlineData("n_initial_points", "-1", "n_initial_points should be great or equal than zero")]
    [InlineData("n_initial_points", "ten", "failed to validate n_initial_points(ten): must be a whole number")]
    [InlineData("n_initial_points", "", "failed to validate n_initial_points(): must be a whole number")]
    [InlineData(
        "base_estimator", "unknown estimator", "base_estimator unknown estimator is not supported in Bayesian optimization")]
    [InlineData("base_estimator", "gp", "base_estimator gp is not supported in Bayesian optimization")]
    [InlineData("acq_func", "unknown", "acq_func unknown is not supported in Bayesian optimization")]
    [InlineData("acq_func", "", "acq_func  is not supported in Bayesian optimization")]
    [InlineData("acq_optimizer", "unknown", "acq_optimizer unknown is not supported in Bayesian optimization")]
    [InlineData("allow_duplicates", "perhaps", "failed to validate allow_duplicates(perhaps): must be true or false")]
    [InlineData("unknown_conf", "1111", "unknown setting unknown_conf for algorithm bayesianoptimization")]
    public void What_is_wrong_is_told_in_Katibs_words(string name, string value, string message)
    {
        var study = Plane.With(name, value);

        Assert.Equal(message, Assert.Throws<InvalidStudyException>(() => Algorithm.Ask(study, 0)).Message);
        Assert.Equal(message, Assert.Throws<InvalidStudyException>(() => Algorithm.Ask(study, 2)).Message);
    }

    [Theory]
    [InlineData("random_state", "0")]
    [InlineData("random_state", "10")]
    [InlineData("n_initial_points", "0")]
    [InlineData("n_initial_points", "1")]
    [InlineData("n_initial_points", "100")]
    [InlineData("base_estimator", "GP")]
    [InlineData("base_estimator", "RF")]
    [InlineData("base_estimator", "ET")]
    [InlineData("base_estimator", "GBRT")]
    [InlineData("acq_func", "gp_hedge")]
    [InlineData("acq_func", "LCB")]
    [InlineData("acq_func", "EI")]
    [InlineData("acq_func", "PI")]
    [InlineData("acq_func", "EIps")]
    [InlineData("acq_func", "PIps")]
    [InlineData("acq_optimizer", "auto")]
    [InlineData("acq_optimizer", "sampling")]
    [InlineData("acq_optimizer", "lbfgs")]
    [InlineData("allow_duplicates", "true")]
    [InlineData("unseen_points", "")]
    [InlineData("unseen_points", "whatever; 1,2,3")]
    public void What_Katib_takes_is_taken_and_works(string name, string value)
    {
        var study = Histories.Of(Plane.With(name, value), 15, seed: 1);

        Assert.Empty(Algorithm.Ask(study, 0));
        Assert.Equal(3, Given.Texts(Algorithm.Ask(study, 3)).Distinct().Count());
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        var study = Plane.With("acq_func", "a").With("n_initial_points", "-2").With("acq_optimizer", "b")
            .With("base_estimator", "c").With("sigma", "1");

        Assert.Equal(
            "n_initial_points should be great or equal than zero; "
                + "base_estimator c is not supported in Bayesian optimization; "
                + "acq_func a is not supported in Bayesian optimization; "
                + "acq_optimizer b is not supported in Bayesian optimization; "
                + "unknown setting sigma for algorithm bayesianoptimization",
            Assert.Throws<InvalidStudyException>(() => Algorithm.Ask(study, 0)).Message);
    }

    [Theory]
    [InlineData("RF")]
    [InlineData("ET")]
    [InlineData("GBRT")]
    public void Another_estimator_is_a_process_all_the_same_and_the_reply_says_so(string estimator)
    {
        var study = Histories.Of(Plane, 15, seed: 2);

        var reply = Algorithm.Suggest(study.With("base_estimator", estimator), 2, CancellationToken.None);

        Assert.Equal("GP", reply.Echo.Single(static e => e.Key is "base_estimator").Value);
        Assert.Equal(Given.Texts(Algorithm.Ask(study, 2)), Given.Texts(reply.Suggestions));
    }

    [Theory]
    [InlineData("")]
    [InlineData("GP")]
    public void The_only_estimator_needs_no_saying(string estimator)
    {
        var study = estimator.Length > 0 ? Plane.With("base_estimator", estimator) : Plane;

        var reply = Algorithm.Suggest(study, 2, CancellationToken.None);

        Assert.DoesNotContain(reply.Echo, static e => e.Key is "base_estimator");
    }

    [Theory]
    [InlineData("gp_hedge")]
    [InlineData("EI")]
    [InlineData("EIps")]
    [InlineData("PIps")]
    public void What_has_no_meaning_here_is_the_expected_improvement(string function)
    {
        var study = Histories.Of(Plane, 15, seed: 3);

        Assert.Equal(
            Given.Texts(Algorithm.Ask(study, 3)), Given.Texts(Algorithm.Ask(study.With("acq_func", function), 3)));
    }

    [Theory]
    [InlineData("LCB")]
    [InlineData("PI")]
    public void Another_function_looks_elsewhere(string function)
    {
        var study = Histories.Of(Plane, 15, seed: 3);

        Assert.NotEqual(
            Given.Texts(Algorithm.Ask(study, 3)), Given.Texts(Algorithm.Ask(study.With("acq_func", function), 3)));
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("sampling")]
    [InlineData("lbfgs")]
    public void The_optimizer_is_without_effect(string optimizer)
    {
        var study = Histories.Of(Plane, 15, seed: 4);

        Assert.Equal(
            Given.Texts(Algorithm.Ask(study, 3)), Given.Texts(Algorithm.Ask(study.With("acq_optimizer", optimizer), 3)));
    }

    [Fact]
    public void The_echo_changes_no_point_while_all_trials_are_shown()
    {
        var study = Plane.With("base_estimator", "RF");
        var trials = new List<Trial>();
        var echoed = study;
        for (var round = 0; round < 10; round++)
        {
            var request = study with { Trials = [.. trials], Issued = trials.Count };
            var reply = Algorithm.Suggest(echoed with { Trials = request.Trials, Issued = request.Issued }, 2, CancellationToken.None);

            Assert.Equal(Given.Texts(Algorithm.Ask(request, 2)), Given.Texts(reply.Suggestions));
            echoed = Histories.Echoed(study, reply);
            trials.AddRange(reply.Suggestions.Select(s => Given.Trial(
                study.Space, s, trials.Count % 4 is 3 ? TrialStatus.Running : TrialStatus.Succeeded, trials.Count)));
        }
    }

    [Fact]
    public void As_many_points_are_spread_over_the_space_as_the_user_says()
    {
        var spread = Given.Texts(Algorithm.Ask(Plane.With("n_initial_points", "30"), 30));

        Assert.Equal(spread[..10], Given.Texts(Algorithm.Ask(Plane, 10)));
        Assert.Equal(
            spread[20..30],
            Given.Texts(Algorithm.Ask(Histories.Of(Plane, 20, seed: 5).With("n_initial_points", "30"), 10)));
        Assert.NotEqual(spread[20..30], Given.Texts(Algorithm.Ask(Histories.Of(Plane, 20, seed: 5), 10)));
    }
}
