using System.Globalization;
using Grpc.Core;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>What Katib's own tests send to its images, and what they expect, over a real channel.</summary>
public sealed class WireCaseTests : IAsyncLifetime
{
    private KestrelReplica? _random;
    private KestrelReplica? _grid;
    private KestrelReplica? _bayesian;

    /// <summary>Algorithm, settings, budget, parameters; then the message, or null where all is well.</summary>
    public static TheoryData<string, string, string, int, Wire.ParameterSpec[], string?> Validations => new()
    {
        { "random", "", "", 0, [], null },
        { "random", "random_state", "10", 0, [], null },
        { "random", "random_state", "-1", 0, [], "random_state should be great or equal than zero" },
        { "random", "random_state", "aaa", 0, [], "failed to validate random_state(aaa): must be a whole number" },
        { "random", "random_state", "", 0, [], "failed to validate random_state(): must be a whole number" },
        { "random", "unknown_conf", "1111", 0, [], "unknown setting unknown_conf for algorithm random" },
        { "grid", "random_state", "10", 5, [Whole("a", "1", "5")], null },
        { "grid", "random_state", "-1", 5, [Whole("a", "1", "5")], "random_state should be great or equal than zero" },
        { "grid", "invalid", "5", 5, [Whole("a", "1", "5")], "unknown setting invalid for algorithm grid" },
        {
            "grid", "", "", 5, [Whole("a", "1", "5"), Real("b", "1", "5")],
            "Param b step is nil; For discrete search space, all parameters must include step"
        },
        { "grid", "", "", 25, [Whole("a", "1", "5"), Real("b", "1", "5", "1")], null },
        {
            "grid", "", "", 26, [Whole("a", "1", "5"), Real("b", "1", "5", "1")],
            "Max Trial Count: 26 > all possible search combinations: 25"
        },
        {
            "grid", "", "", 5, [Whole("a", "1", "5"), Real("b", "1", "5", "0")],
            "parameters[1].feasibleSpace.step '0' must be above 0"
        },
    };

    /// <summary>Settings of <c>bayesianoptimization</c>; then the message, or null where all is well.</summary>
    public static TheoryData<string, string, string?> BayesianSettings => new()
    {
        { "random_state", "10", null },
        { "random_state", "-1", "random_state should be great or equal than zero" },
        { "unknown_conf", "1111", "unknown setting unknown_conf for algorithm bayesianoptimization" },
        {
            "base_estimator", "unknown estimator",
            "base_estimator unknown estimator is not supported in Bayesian optimization"
        },
        { "base_estimator", "RF", null },
        { "base_estimator", "GBRT", null },
        { "n_initial_points", "-1", "n_initial_points should be great or equal than zero" },
        { "n_initial_points", "0", null },
        { "acq_func", "unknown", "acq_func unknown is not supported in Bayesian optimization" },
        { "acq_func", "gp_hedge", null },
        { "acq_func", "EIps", null },
        { "acq_func", "PIps", null },
        { "acq_optimizer", "unknown", "acq_optimizer unknown is not supported in Bayesian optimization" },
        { "acq_optimizer", "lbfgs", null },
    };

    private static Wire.ParameterSpec[] HyperoptSpace =>
    [
        Whole("int", "1", "5", distribution: Wire.Distribution.Unspecified),
        Categorical("categorical", "cat1", "cat2", "cat3"),
        Discrete("discrete", "3", "2", "6"),
        Real("double", "1", "5", distribution: Wire.Distribution.Unspecified),
        Real("double-log", "1", "5", "", Wire.Distribution.LogUniform),
        Real("double-log-step", "1", "5", "0.5", Wire.Distribution.LogUniform),
        Real("double-uniform", "5", "10"),
        Real("double-uniform-step", "5", "10", "0.8"),
        Real("double-normal", "5", "10", "", Wire.Distribution.Normal),
        Real("double-normal-step", "5", "10", "0.8", Wire.Distribution.Normal),
        Real("double-log-normal", "5", "10", "", Wire.Distribution.LogNormal),
        Real("double-log-normal-step", "5", "10", "0.8", Wire.Distribution.LogNormal),
        Whole("int-uniform", "1", "5"),
        Whole("int-uniform-step", "1", "5", "0.8"),
        Whole("int-log", "5", "10", "", Wire.Distribution.LogUniform),
        Whole("int-log-step", "5", "10", "0.01", Wire.Distribution.LogUniform),
        Whole("int-normal", "5", "100", "", Wire.Distribution.Normal),
        Whole("int-normal-step", "5", "100", "0.01", Wire.Distribution.Normal),
        Whole("int-log-normal", "32", "64", "", Wire.Distribution.LogNormal),
        Whole("int-log-normal-step", "32", "64", "0.01", Wire.Distribution.LogNormal),
        Real("double-step", "32", "64", "0.01", Wire.Distribution.Unspecified),
        Whole("int-step", "32", "64", "0.01", Wire.Distribution.Unspecified),
    ];

    public async ValueTask InitializeAsync()
    {
        _random = await KestrelReplica.StartAsync("random", new RandomSearch(), TestContext.Current.CancellationToken);
        _grid = await KestrelReplica.StartAsync("grid", new GridSearch(), TestContext.Current.CancellationToken);
        _bayesian = await KestrelReplica.StartAsync(
            "bayesianoptimization", new BayesianOptimization(), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _random!.DisposeAsync();
        await _grid!.DisposeAsync();
        await _bayesian!.DisposeAsync();
    }

    [Fact]
    public async Task HO1_the_whole_hyperopt_space_gets_two_assignments_of_every_parameter()
    {
        var experiment = Experiment("random", HyperoptSpace).With("random_state", "10");
        experiment.Spec.Objective = new() { Type = Wire.ObjectiveType.Maximize, Goal = 0.9 };
        var request = Ask(experiment, 2, FourParameters("1", "cat1", "3", "2.5"), FourParameters("5", "cat2", "2", "3.5"));
        request.TotalRequestNumber = 0;

        var reply = await _random!.Client.GetSuggestionsAsync(
            request, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(2, reply.ParameterAssignments.Count);
        Assert.All(reply.ParameterAssignments, static p =>
            Assert.Equal(HyperoptSpace.Select(static s => s.Name), p.Assignments.Select(static a => a.Name)));
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("invalid")]
    [InlineData("grid")]
    public async Task HO3_another_algorithm_is_refused_in_Katibs_words(string name)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await ValidateAsync(_random!, Experiment(name)));

        Assert.Equal(
            (StatusCode.InvalidArgument, $"unknown algorithm name {name}"), (refused.StatusCode, refused.Status.Detail));
    }

    [Theory]
    [MemberData(nameof(Validations))]
    public async Task HO4_HO7_OP2_settings_and_spaces_are_judged_in_Katibs_words(
        string algorithm, string setting, string value, int budget, Wire.ParameterSpec[] parameters, string? message)
    {
        var experiment = Experiment(algorithm, parameters).Budget(budget);
        _ = setting.Length > 0 ? experiment.With(setting, value) : experiment;

        var refused = await Record.ExceptionAsync(() => ValidateAsync(algorithm is "grid" ? _grid! : _random!, experiment));

        var status = (refused as RpcException)?.Status ?? Status.DefaultSuccess;
        Assert.Equal(message is null ? StatusCode.OK : StatusCode.InvalidArgument, status.StatusCode);
        Assert.Equal(message ?? "", status.Detail);
    }

    [Fact]
    public async Task SK1_the_four_types_get_two_assignments()
    {
        var experiment = Experiment(
            "bayesianoptimization",
            Whole("int", "1", "5", distribution: Wire.Distribution.Unspecified),
            Categorical("categorical", "cat1", "cat2", "cat3"),
            Discrete("discrete", "3", "2", "6"),
            Real("double", "1", "5", distribution: Wire.Distribution.Unspecified)).With("random_state", "10");
        experiment.Spec.Objective = new() { Type = Wire.ObjectiveType.Maximize, Goal = 0.9 };
        var request = Ask(experiment, 2, FourParameters("1", "cat1", "3", "2.5"), FourParameters("5", "cat2", "2", "3.5"));
        request.TotalRequestNumber = 0;

        var reply = await _bayesian!.Client.GetSuggestionsAsync(
            request, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(2, reply.ParameterAssignments.Count);
        Assert.All(reply.ParameterAssignments, static p => Assert.Equal(
            ["int", "categorical", "discrete", "double"], p.Assignments.Select(static a => a.Name)));
    }

    [Theory]
    [MemberData(nameof(BayesianSettings))]
    public async Task SK2_settings_are_judged_in_Katibs_words(string setting, string value, string? message)
    {
        var experiment = Experiment("bayesianoptimization").With(setting, value);

        var refused = await Record.ExceptionAsync(() => ValidateAsync(_bayesian!, experiment));

        var status = (refused as RpcException)?.Status ?? Status.DefaultSuccess;
        Assert.Equal(message is null ? StatusCode.OK : StatusCode.InvalidArgument, status.StatusCode);
        Assert.Equal(message ?? "", status.Detail);
    }

    [Fact]
    public async Task SK2_another_algorithm_is_refused_in_Katibs_words()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(() => ValidateAsync(_bayesian!, Experiment("unknown")));

        Assert.Equal(
            (StatusCode.InvalidArgument, "unknown algorithm name unknown"), (refused.StatusCode, refused.Status.Detail));
    }

    [Theory]
    [InlineData("-1", "1")]
    [InlineData("-2", "-1")]
    [InlineData("0", "1")]
    public async Task Ranges_that_reach_zero_or_lie_below_it_are_searched(string min, string max)
    {
        var experiment = Experiment("bayesianoptimization", Real("a", min, max)).With("n_initial_points", "4");
        var trials = Enumerable.Range(0, 6).Select(i =>
        {
            var value = Number(min) + ((Number(max) - Number(min)) * (i + 1) / 8);
            var trial = Trial(("a", value.ToString("R", CultureInfo.InvariantCulture)));
            trial.Status = Requests.Succeeded(i);
            return trial;
        });

        var reply = await _bayesian!.Client.GetSuggestionsAsync(
            Ask(experiment, 3, trials), cancellationToken: TestContext.Current.CancellationToken);

        Assert.All(reply.ParameterAssignments, p => Assert.InRange(
            Number(p.Assignments[0].Value), Number(min), Number(max)));

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Another_estimator_is_echoed_as_what_it_is()
    {
        var experiment = Experiment("bayesianoptimization", Real("a", "0", "1")).With("base_estimator", "ET");

        var reply = await _bayesian!.Client.GetSuggestionsAsync(
            Ask(experiment, 1), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("GP", reply.Algorithm.AlgorithmSettings.Single(static s => s.Name is "base_estimator").Value);
    }

    [Fact]
    public async Task An_experiment_that_validation_refuses_gets_no_suggestions_either()
    {
        var experiment = Experiment("random", Real("a", "0", "1")).With("random_state", "aaa");

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await _random!.Client.GetSuggestionsAsync(
            Ask(experiment, 1), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.StartsWith("failed to validate random_state(aaa)", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_budget_above_the_grid_does_not_stop_an_experiment_that_runs()
    {
        var experiment = Experiment("grid", Whole("a", "1", "5")).Budget(6);

        var reply = await _grid!.Client.GetSuggestionsAsync(
            Ask(experiment, 2), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(["a=1", "a=2"], reply.Lines());
    }

    [Fact]
    public async Task All_problems_of_an_experiment_are_told_at_once()
    {
        var experiment = Experiment("random", Real("a", "2", "1"), Categorical("b"));

        var refused = await Assert.ThrowsAsync<RpcException>(() => ValidateAsync(_random!, experiment));

        Assert.Equal(
            "parameters[0].feasibleSpace.min '2' must not be above max '1'; swap the two; "
            + "parameters[1].feasibleSpace.list is empty; list the values that the parameter may take",
            refused.Status.Detail);
    }

    [Fact]
    public async Task CL1_the_controllers_arithmetic_goes_on_where_it_stands()
    {
        var experiment = Experiment("grid", Whole("a", "1", "9"));
        var finished = new Wire.Trial[] { Trial(("a", "1")), Trial(("a", "2")), Trial(("a", "4")) };
        foreach (var trial in finished)
        {
            trial.Status = new()
            {
                StartTime = "2020-01-01T15:04:05Z",
                Condition = Wire.TrialStatus.Types.TrialConditionType.Succeeded,
            };
        }

        var request = Ask(experiment, 2, finished);
        request.TotalRequestNumber = 6;
        var reply = await _grid!.Client.GetSuggestionsAsync(
            request, cancellationToken: TestContext.Current.CancellationToken);

        // Point 3 has been issued; its trial ended without metrics and is not sent.
        Assert.Equal(["a=5", "a=6"], reply.Lines());
    }

    [Fact]
    public async Task CL4_an_unimplemented_service_is_told_apart()
    {
        var stopping = new Wire.EarlyStopping.EarlyStoppingClient(_random!.Channel);

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await stopping.ValidateEarlyStoppingSettingsAsync(
            new(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    private static Wire.Trial FourParameters(string whole, string category, string discrete, string real) =>
        Trial(("int", whole), ("categorical", category), ("discrete", discrete), ("double", real));

    private static async Task ValidateAsync(KestrelReplica replica, Wire.Experiment experiment) =>
        _ = await replica.Client.ValidateAlgorithmSettingsAsync(
            new() { Experiment = experiment }, cancellationToken: TestContext.Current.CancellationToken);
}
