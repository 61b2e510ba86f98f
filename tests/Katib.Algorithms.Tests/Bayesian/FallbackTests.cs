using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>What a reply says of the ways that were not taken, and whom an algorithm lets time it.</summary>
public sealed class FallbackTests
{
    private static readonly Study Plane = Given.Study(Given.Double("x", "0", "1"), Given.Double("y", "0", "1"));

    [Fact]
    public void A_model_that_knows_all_results_falls_back_on_nothing()
    {
        var reply = new BayesianOptimization().Suggest(Histories.Of(Plane, 30, seed: 1), 2, CancellationToken.None);

        Assert.Empty(reply.Fallbacks);
    }

    [Fact]
    public void Learning_from_chosen_results_only_is_told()
    {
        var reply = new BayesianOptimization().Suggest(Histories.Of(Plane, 1001, seed: 2), 1, CancellationToken.None);

        Assert.Equal(["active_set"], reply.Fallbacks);
    }

    [Fact]
    public void A_reply_that_is_filled_up_because_its_work_is_spent_says_so_and_is_the_same_from_a_warm_instance()
    {
        var algorithm = new BayesianOptimization();
        var study = Histories.Of(Plane, 400, seed: 3);

        var cold = algorithm.Suggest(study, 200, CancellationToken.None);
        var warm = algorithm.Suggest(study, 200, CancellationToken.None);

        Assert.Equal(["work_budget"], cold.Fallbacks);
        Assert.Equal(cold.Fallbacks, warm.Fallbacks);
    }

    [Fact]
    public void The_fit_calls_who_times_it_and_the_reply_does_not_depend_on_it()
    {
        var study = Histories.Of(Plane, 30, seed: 4);
        using var timer = new Timer();

        var timed = new BayesianOptimization().Suggest(study with { Fitting = timer.Start }, 3, CancellationToken.None);
        var untimed = new BayesianOptimization().Suggest(study, 3, CancellationToken.None);

        Assert.Equal((1, 1), (timer.Starts, timer.Ends));
        Assert.Equal(Given.Texts(untimed.Suggestions), Given.Texts(timed.Suggestions));
    }

    private sealed class Timer : IDisposable
    {
        public int Starts { get; private set; }

        public int Ends { get; private set; }

        public Timer Start()
        {
            Starts++;
            return this;
        }

        public void Dispose() => Ends++;
    }
}
