using System.Globalization;
using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class BayesianOptimizationTests
{
    private static readonly BayesianOptimization Algorithm = new();

    private static readonly Study Mixed = Given.Study(
        Given.Double("lr", "1e-5", "1e-1", "", Distribution.LogUniform),
        Given.Int("layers", "1", "5"),
        Given.Categorical("optimizer", "sgd", "adam", "ftrl"),
        Given.Double("momentum", "0", "1", "", Distribution.Normal));

    /// <summary>Every way in which a history can look: what ran, failed, was stopped, killed, or has not begun.</summary>
    private static readonly Study Lived = Histories.Of(Mixed, 24, seed: 1, static (point, i) => (i % 8) switch
    {
        3 => (TrialStatus.Running, null),
        5 => (TrialStatus.EarlyStopped, Histories.Loss(point)),
        6 => (i % 16 is 6 ? TrialStatus.Failed : TrialStatus.MetricsUnavailable, null),
        7 => (i % 16 is 7 ? TrialStatus.Killed : TrialStatus.Created, null),
        _ => (TrialStatus.Succeeded, Histories.Loss(point)),
    });

    public static TheoryData<int> Seeds => [1, 2, 3];

    private static Dictionary<string, ParameterSpec[]> Spaces { get; } = new()
    {
        ["double"] = [Given.Double("x", "-2", "3")],
        ["double, widest"] = [Given.Double("x", "-1.7e308", "1.7e308")],
        ["double, narrow"] = [Given.Double("x", "1000", "1000.000001")],
        ["double, log"] = [Given.Double("x", "1e-8", "1", "", Distribution.LogUniform)],
        ["double, widest log"] = [Given.Double("x", "1e-300", "1e300", "", Distribution.LogUniform)],
        ["double, normal"] = [Given.Double("x", "-5", "10", "", Distribution.Normal)],
        ["double, log normal"] = [Given.Double("x", "0.001", "10", "", Distribution.LogNormal)],
        ["double of few numbers"] = [Given.Double("x", "1", "1.00000000000001")],
        ["steps"] = [Given.Double("x", "0.1", "0.9", "0.02")],
        ["steps, normal"] = [Given.Double("x", "5", "50", "0.8", Distribution.Normal)],
        ["steps, log"] = [Given.Double("x", "1", "50", "0.5", Distribution.LogUniform)],
        ["many steps"] = [Given.Double("x", "0", "1", "0.00001")],
        ["int"] = [Given.Int("x", "-20", "20")],
        ["int, widest"] = [Given.Int("x", "-4503599627370496", "4503599627370495")],
        ["int, log"] = [Given.Int("x", "1", "100000", "", Distribution.LogUniform)],
        ["int by 1.3"] = [Given.Int("x", "5", "100", "1.3")],
        ["discrete"] = [Given.Discrete("x", [.. Enumerable.Range(0, 30).Select(static i => $"{i * i}")])],
        ["discrete, log"] = [Given.Discrete("x", [.. Enumerable.Range(0, 30).Select(static i => $"{1 << i}")])
            .Under(Distribution.LogUniform)],
        ["words"] = [Given.Discrete("x", [.. Enumerable.Range(0, 30).Select(static i => $"w{i}")])],
        ["categories"] = [Given.Categorical("x", [.. Enumerable.Range(0, 30).Select(static i => $"c{i}")])],
        ["many categories"] = [Given.Categorical("x", [.. Enumerable.Range(0, 4500).Select(static i => $"c{i}")])],
        ["grid"] = [Given.Int("x", "1", "80"), Given.Double("y", "0", "1", "0.01"), Given.Categorical("z", "a", "b")],
        ["one value each but one"] =
            [Given.Int("x", "7", "7"), Given.Double("y", "0", "1"), Given.Categorical("z", "only")],
        ["all"] =
        [
            Given.Double("a", "-1", "1"),
            Given.Int("b", "1", "1000000"),
            Given.Discrete("c", "0.10", "3", "2"),
            Given.Categorical("d", "u", "v", "w"),
            Given.Double("e", "0.001", "0.1", "0.001", Distribution.LogNormal),
            Given.Discrete("f", "big", "small"),
            Given.Int("g", "2", "64", "2", Distribution.Normal),
        ],
        ["20 doubles"] = [.. Enumerable.Range(0, 20).Select(static i => Given.Double($"x{i}", "0", "1"))],
    };

    public static TheoryData<string> SpaceNames => [.. Spaces.Keys];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Neither_memory_nor_order_nor_names_matter(int seed)
    {
        var dice = new Dice(seed);
        var expected = Texts(new BayesianOptimization(), Lived, 4);
        var warm = new BayesianOptimization();
        var shuffled = Lived with
        {
            Trials = [.. dice.Shuffled(Lived.Trials).Select((t, i) => t with { Name = $"other-{seed}-{i}" })],
        };

        Assert.Equal(expected, Texts(warm, Lived, 4));
        Assert.Equal(expected, Texts(warm, shuffled, 4));
        for (var other = 0; other < 12; other++)
        {
            _ = warm.Ask(Histories.Of(Mixed, 10 + other, other), 1);
        }

        Assert.Equal(expected, Texts(warm, shuffled, 4));
        Assert.Equal(expected, Texts(new BayesianOptimization(), shuffled, 4));
    }

    /// <summary>
    /// The same results with a killed trial more: on a bowl the pick that trusts the model goes to its bottom, and the
    /// other one does not. 20 histories, no chance in them.
    /// </summary>
    [Fact]
    public void Every_second_pick_doubts_the_lengths_and_stays_farther_from_the_bottom()
    {
        var bowl = Given.Study(Given.Double("x", "-1", "1"), Given.Double("y", "-1", "1"), Given.Double("z", "-1", "1"));
        var killed = Histories.Of(bowl, 1, 99, static (_, _) => (TrialStatus.Killed, null)).Trials;

        var farther = Enumerable.Range(1, 20).Count(seed =>
        {
            var history = Histories.Of(bowl, 20, seed, static (point, _) => (TrialStatus.Succeeded, Height(point)));
            var later = history with { Trials = history.Trials.AddRange(killed), Issued = history.Issued + 1 };
            return Picked(later) > Picked(history);
        });

        Assert.InRange(farther, 16, 20);

        static double Height(Point point) => point.Coordinates.Sum(static c => (c - 0.2) * (c - 0.2));

        static double Picked(Study study) =>
            Height(study.Space.Parse(Algorithm.Ask(study, 1)[0].Assignments)!.Value);
    }

    /// <summary>More than the hyperparameters are fitted to; in full size also more than the model learns from.</summary>
    [Fact]
    public void Beyond_what_a_model_holds_neither_memory_nor_order_matters()
    {
        var study = Histories.Of(Mixed, TestSize.Of(small: 560, full: 1300), seed: 2);
        var warm = new BayesianOptimization();
        var expected = Texts(warm, study, 1);

        var shuffled = study with { Trials = [.. new Dice(1).Shuffled(study.Trials)] };

        Assert.Equal(expected, Texts(warm, shuffled, 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(24)]
    public void Fewer_are_the_first_of_more(int issued)
    {
        var study = Lived with { Issued = issued };

        Assert.Equal(Texts(Algorithm, study, 8)[..4], Texts(Algorithm, study, 4));
    }

    [Fact]
    public void A_model_does_not_depend_on_the_culture()
    {
        var expected = Algorithm.Suggest(Lived, 2, CancellationToken.None);
        var before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            culture.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = culture;

            var reply = new BayesianOptimization().Suggest(Lived, 2, CancellationToken.None);
            var next = Histories.Echoed(Lived, reply);

            Assert.Equal(Given.Texts(expected.Suggestions), Given.Texts(reply.Suggestions));
            Assert.Equal(expected.Echo, reply.Echo);
            Assert.Equal(
                Ledger.Read(Lived, expected.Echo[0].Value).Points, Ledger.Read(next, reply.Echo[0].Value).Points);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Concurrent_models_do_not_interfere()
    {
        var studies = Enumerable.Range(0, 12).Select(static i => Histories.Of(Mixed, 10 + (i % 6), seed: i % 6)).ToArray();
        var expected = studies.Select(static s => Texts(new BayesianOptimization(), s, 2)).ToArray();
        var shared = new BayesianOptimization();
        var actual = new string[studies.Length][];

        _ = Parallel.For(0, studies.Length, i => actual[i] = Texts(shared, studies[i], 2));

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_cancelled_model_ends_and_leaves_no_trace()
    {
        var algorithm = new BayesianOptimization();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        _ = Assert.ThrowsAny<OperationCanceledException>(() => algorithm.Suggest(Lived, 4, cancelled.Token));

        Assert.Equal(Texts(new BayesianOptimization(), Lived, 4), Texts(algorithm, Lived, 4));
    }

    [Fact]
    public void Cancelling_ends_a_large_model_within_a_second()
    {
        var study = Histories.Of(Mixed, 900, seed: 3);
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var begun = TimeProvider.System.GetTimestamp();

        _ = Assert.ThrowsAny<OperationCanceledException>(
            () => new BayesianOptimization().Suggest(study, 1000, source.Token));

        // One second where a core is ours; the rest is for machines that have other work.
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Theory]
    [MemberData(nameof(SpaceNames))]
    public void Suggestions_are_new_points_of_the_space_however_it_looks(string name)
    {
        var study = Given.Study(Spaces[name]);
        var trials = new List<Trial>();

        foreach (var count in (int[])[10, 2, 1, 2])
        {
            var request = study with { Trials = [.. trials], Issued = trials.Count };
            var suggestions = Algorithm.Ask(request, count);
            Soundness.Check(request, suggestions, count);
            trials.AddRange(suggestions.Select(s => study.Space.Parse(s.Assignments)!.Value).Select((p, i) => new Trial(
                $"t{trials.Count + i}", p, TrialStatus.Succeeded, Histories.Loss(p), Histories.Time(trials.Count + i))));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_finite_space_is_used_up_before_anything_repeats(int batch)
    {
        var study = Given.Study(
            Given.Int("a", "1", "4"), Given.Categorical("b", "x", "y", "z"), Given.Discrete("c", "1", "10"));
        var trials = new List<Trial>();

        while (trials.Count < 24)
        {
            var request = study with { Trials = [.. trials], Issued = trials.Count };
            var suggestions = Algorithm.Ask(request, batch);
            Soundness.Check(request, suggestions, batch);
            trials.AddRange(suggestions.Select((s, i) => Given.Trial(
                study.Space, s, (TrialStatus)((trials.Count + i) % 8), trials.Count + i)));
        }

        var usedUp = study with { Trials = [.. trials], Issued = trials.Count };
        Assert.Equal(24, trials.Select(static t => t.Point!.Value).Distinct().Count());
        Assert.Equal(3, Algorithm.Ask(usedUp, 3).Length);
    }

    [Fact]
    public void Whoever_allows_duplicates_gets_noisy_points_again_and_nobody_else_does()
    {
        // Two values, of which one is plainly better, under noise: nothing new is worth as much.
        var study = Given.Study(Given.Categorical("a", [.. Enumerable.Range(0, 40).Select(static i => $"c{i}")]))
            .With("n_initial_points", "1");
        var noise = Numerics.Matrices.Random(30, seed: 1);
        var request = Histories.Of(study, 30, seed: 4, (point, i) =>
            (TrialStatus.Succeeded, (point.Coordinates[0] < 10 ? -1 : 1) + (2 * noise[i])));

        var forbidden = Algorithm.Ask(request, 5);
        var allowed = Algorithm.Ask(request.With("allow_duplicates", "true"), 5);

        Soundness.Check(request, forbidden, 5);
        Assert.Equal(5, allowed.Length);
        Assert.Contains(allowed, s => request.Trials.Any(t => t.Point == study.Space.Parse(s.Assignments)));
    }

    /// <summary>Katib's controller shows no trial without metrics; the settings that come back name its point.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_hidden_point_is_never_suggested_again(int batch)
    {
        var study = Given.Study(Given.Int("a", "1", "6"), Given.Categorical("b", "x", "y", "z", "u", "v", "w"));
        var (request, issued, shown) = (study, new List<string>(), new List<Trial>());

        while (issued.Count + batch <= 36)
        {
            var reply = Algorithm.Suggest(
                request with { Trials = [.. shown], Issued = issued.Count }, batch, CancellationToken.None);
            foreach (var suggestion in reply.Suggestions)
            {
                if (issued.Count % 3 is not 2)
                {
                    shown.Add(Given.Trial(study.Space, suggestion, TrialStatus.Succeeded, issued.Count % 5));
                }

                issued.Add(Given.Text(suggestion));
            }

            request = Histories.Echoed(study, reply);
        }

        Assert.Equal(issued.Distinct(), issued);
        Assert.Equal(12, issued.Count - shown.Count);
    }

    [Fact]
    public void Points_of_one_reply_do_not_crowd()
    {
        var study = Histories.Of(
            Given.Study(Given.Double("x", "0", "1"), Given.Double("y", "0", "1")), 20, seed: 5);

        var points = Algorithm.Ask(study, 8).Select(s => study.Space.Parse(s.Assignments)!.Value.Coordinates).ToArray();

        for (var i = 0; i < points.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (dx, dy) = (points[i][0] - points[j][0], points[i][1] - points[j][1]);
                Assert.InRange(Math.Sqrt((dx * dx) + (dy * dy)), 0.001, 2);
            }
        }
    }

    [Fact]
    public void Trials_that_tell_nothing_leave_the_spread_to_go_on()
    {
        var spread = Given.Texts(Algorithm.Ask(Mixed, 40));
        var failed = Mixed with
        {
            Trials = [.. Algorithm.Ask(Mixed, 30).Select(static s => Given.Trial(Mixed.Space, s, TrialStatus.Failed))],
            Issued = 30,
        };

        Assert.Equal(spread[30..], Given.Texts(Algorithm.Ask(failed, 10)));
    }

    [Fact]
    public void Maximising_is_minimising_the_negative()
    {
        // The mapping turns the sign before the algorithm: a loss and its negative must then lead apart.
        var turned = Lived with { Trials = [.. Lived.Trials.Select(static t => t with { Loss = -t.Loss })] };

        Assert.NotEqual(Texts(Algorithm, Lived, 2), Texts(Algorithm, turned, 2));
    }

    private static string[] Texts(BayesianOptimization algorithm, Study study, int count)
    {
        var reply = algorithm.Suggest(study, count, CancellationToken.None);
        Assert.NotEmpty(reply.Echo);
        return Given.Texts(reply.Suggestions);
    }
}
