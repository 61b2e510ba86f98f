using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using Katib.Driver;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>Whole experiments under Katib's controller, as <see cref="ControllerDriver"/> plays it.</summary>
public sealed class ControllerTests
{
    private const int Trials = 200;

    public static TheoryData<string, string, ulong> Lives
    {
        get
        {
            var lives = new TheoryData<string, string, ulong>();
            for (var seed = 1UL; seed <= (ulong)TestSize.Of(small: 2, full: 20); seed++)
            {
                foreach (var space in (string[])["continuous", "finite", "mixed"])
                {
                    lives.Add("random", space, seed);
                    lives.Add("grid", space, seed);
                }
            }

            return lives;
        }
    }

    /// <summary>The search by a model costs more; and every life has other faults.</summary>
    public static TheoryData<string, ulong> ModelLives
    {
        get
        {
            var lives = new TheoryData<string, ulong>();
            for (var seed = 1UL; seed <= (ulong)TestSize.Of(small: 1, full: 10); seed++)
            {
                foreach (var space in (string[])["continuous", "finite", "mixed"])
                {
                    lives.Add(space, seed);
                }
            }

            return lives;
        }
    }

    public static TheoryData<string> FaultNames =>
    [
        nameof(Faults.ReplyLost), nameof(Faults.ServiceRestarted), nameof(Faults.ReplicaSwapped),
        nameof(Faults.ParallelismDropped), nameof(Faults.NamesakeLeaked), nameof(Faults.BudgetRaised),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Lives))]
    public async Task Whatever_happens_the_experiment_succeeds_with_the_sequence_of_an_undisturbed_one(
        string algorithm, string space, ulong seed)
    {
        await using var first = await StartAsync(algorithm);
        await using var second = await StartAsync(algorithm);
        var driver = Driver(algorithm, space, seed);

        var disturbed = await (driver with { Faults = Faults.All }).RunAsync([first, second], Token);
        var undisturbed = await driver.RunAsync([first], Token);
        var atOnce = await first.Client.GetSuggestionsAsync(
            Ask(driver.Experiment, disturbed.Trials.Length), cancellationToken: Token);

        AssertFlawless(disturbed);
        AssertFlawless(undisturbed);
        Assert.Equal(FaultNames.Select(static f => f.Data).Order(StringComparer.Ordinal), disturbed.Happened.Keys);
        Assert.True(disturbed.Trials.Length >= Trials, $"Only {disturbed.Trials.Length} trials are left.");
        Assert.Equal(atOnce.Lines(), disturbed.Sequence);
        Assert.Equal(undisturbed.Sequence, disturbed.Sequence.Take(Trials));
    }

    /// <summary>
    /// What a model suggests depends on what it has seen, so that a disturbed life takes its own course. But what was
    /// asked then gets the same bytes from whoever is asked, in whatever order the trials stand.
    /// </summary>
    [Theory]
    [MemberData(nameof(ModelLives))]
    public async Task Whatever_happens_a_search_by_a_model_succeeds_and_every_request_has_one_answer(string space, ulong seed)
    {
        const string Algorithm = "bayesianoptimization";
        await using var first = await StartAsync(Algorithm);
        await using var second = await StartAsync(Algorithm);
        var recorded = new List<(Wire.GetSuggestionsRequest Request, ByteString Reply)>();
        var driver = Driver(Algorithm, space, seed) with
        {
            Faults = Faults.All,
            Answered = (request, reply) => recorded.Add((request.Clone(), reply.ToByteString())),
        };

        var report = await driver.RunAsync([first, second], Token);

        AssertFlawless(report);
        Assert.Equal(FaultNames.Select(static f => f.Data).Order(StringComparer.Ordinal), report.Happened.Keys);
        Assert.True(report.Trials.Length >= Trials, $"Only {report.Trials.Length} trials are left.");
        var replayed = TestSize.Of(small: 12, full: Trials);
        foreach (var (request, reply) in recorded.Where((_, i) => i % Math.Max(1, recorded.Count / replayed) is 0))
        {
            await using var fresh = await StartAsync(Algorithm);
            foreach (var (replica, turn) in ((KestrelReplica, string)[])[(fresh, "a"), (first, "b"), (second, "c")])
            {
                var turned = request.Clone();
                turned.Trials.Clear();
                turned.Trials.Add(request.Trials.OrderBy(t => Philox.KeyOf(t.Name + turn)));
                var again = await replica.Client.GetSuggestionsAsync(turned, cancellationToken: Token);
                Assert.Equal(reply, again.ToByteString());
            }
        }
    }

    [Fact]
    public async Task Hidden_trials_ride_in_the_settings_and_are_not_suggested_again()
    {
        await using var service = await StartAsync("bayesianoptimization");
        Wire.GetSuggestionsRequest? last = null;
        var driver = Driver("bayesianoptimization", "whole", 5) with
        {
            Faults = new() { TrialGoesWrong = 0.6 },
            Answered = (request, _) => last = request.Clone(),
        };

        var report = await driver.RunAsync([service], Token);

        AssertFlawless(report);
        var shown = last!.Trials.Select(static t => t.Name).ToHashSet();
        var created = report.Trials.Length - last.CurrentRequestNumber;
        var hidden = report.Trials.Take(created).Where(t => !shown.Contains(t.Name)).ToArray();
        var settings = last.Experiment.Spec.Algorithm.AlgorithmSettings;
        var unseen = settings.Single(static s => s.Name is "unseen_points").Value.Split(';');
        Assert.True(hidden.Length > 10, $"Only {hidden.Length} trials are hidden.");

        // Coordinates count from 0, the values of these parameters from 1.
        Assert.All(hidden, t => Assert.Contains(
            string.Join(',', t.Assignments.Select(static a => int.Parse(a.Value, CultureInfo.InvariantCulture) - 1)), unseen));
    }

    [Fact]
    public async Task One_seed_is_one_life()
    {
        await using var service = await StartAsync("random");
        var driver = Driver("random", "mixed", 7) with { Faults = Faults.All };

        var once = await driver.RunAsync([service], Token);
        var again = await driver.RunAsync([service], Token);

        Assert.Equal(Describe(once), Describe(again));

        static IEnumerable<string> Describe(DriverReport report) =>
            report.Trials.Select(static t => $"{t.Name} {t} {t.Status}");
    }

    [Fact]
    public async Task A_grid_that_is_just_large_enough_is_run_to_its_last_point()
    {
        await using var service = await StartAsync("grid");
        var driver = Driver("grid", "exact", 3) with { Faults = Faults.All with { ParallelismDropped = 0 } };

        var report = await driver.RunAsync([service], Token);

        // Trials without metrics make the controller ask for more than there is: then the grid fills up or refuses.
        Assert.True(report.Succeeded);
        Assert.Empty(report.Problems);
        Assert.Equal(Trials, report.Sequence.Distinct().Count());
        Assert.All(report.Refusals, static r => Assert.Equal(
            "OutOfRange: all 200 combinations are suggested; set maxTrialCount to 200", r));
    }

    [Fact]
    public async Task A_service_that_repeats_itself_is_caught()
    {
        await using var service = await KestrelReplica.StartAsync("random", new Stubborn(), Token);

        var report = await (Driver("random", "continuous", 1) with { Faults = Faults.All }).RunAsync([service], Token);

        Assert.NotEmpty(report.Duplicates);
    }

    private static void AssertFlawless(DriverReport report)
    {
        Assert.Empty(report.Problems);
        Assert.Empty(report.Refusals);
        Assert.Empty(report.Duplicates);
        Assert.True(report.Succeeded, $"The experiment has not succeeded; it has {report.Trials.Length} trials.");
    }

    private static Task<KestrelReplica> StartAsync(string algorithm) => KestrelReplica.StartAsync(
        algorithm,
        () => algorithm switch
        {
            "grid" => new GridSearch(),
            "random" => new RandomSearch(),
            _ => new BayesianOptimization(),
        },
        Token);

    private static ControllerDriver Driver(string algorithm, string space, ulong seed)
    {
        var experiment = Experiment(algorithm, Space(space));
        experiment.Name = $"study-{seed}";
        experiment.Spec.MaxTrialCount = Trials;
        experiment.Spec.ParallelTrialCount = 6;
        experiment.Spec.Objective.AdditionalMetricNames.Add("accuracy");
        if (algorithm is "grid" && space is not "finite" and not "exact")
        {
            _ = experiment.With("grid_points", "11");
        }

        return new() { Experiment = experiment, Seed = seed, Namesakes = Namesakes };
    }

    /// <summary>More points than trials, for those without metrics are run in addition; but for the exact one.</summary>
    private static Wire.ParameterSpec[] Space(string kind) => kind switch
    {
        "continuous" =>
        [
            Real("a", "0", "1"),
            Real("b", "0.0001", "1", "", Wire.Distribution.LogUniform),
            Real("c", "-1", "1", "", Wire.Distribution.Normal),
        ],
        "finite" =>
        [
            Whole("a", "1", "20"),
            Categorical("b", "x", "y", "z", "u", "v"),
            Discrete("c", "1", "0.10", "100", "10", "50", "5"),
        ],
        "whole" => [Whole("a", "1", "20"), Whole("b", "1", "30")],
        "exact" => [Whole("a", "1", "20"), Categorical("b", "x", "y"), Discrete("c", "1", "0.10", "100", "10", "50")],
        _ => [Real("a", "0", "1"), Whole("b", "1", "10"), Categorical("c", "x", "y", "z", "u")],
    };

    /// <summary>Their points lie outside every space above, where no sequence comes, or are none at all.</summary>
    private static ImmutableArray<Wire.Trial> Namesakes =>
    [
        Trial(("a", "1000"), ("b", "1000"), ("c", "1000")),
        Trial(("a", "0.123456789012"), ("b", "0.123456789012"), ("c", "0.123456789012")),
        Trial(("lr", "0.1")),
        Trial(),
    ];

    /// <summary>Suggests the same point for ever.</summary>
    private sealed class Stubborn : ISearchAlgorithm
    {
        public ImmutableArray<SettingDeclaration> Settings => [];

        public Reply Suggest(Study study, int count, CancellationToken cancellationToken) =>
            new([.. Enumerable.Repeat(new Suggestion([new("a", "0.5"), new("b", "0.5"), new("c", "0.5")]), count)]);
    }
}
