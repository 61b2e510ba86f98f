using System.Collections.Immutable;
using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class CategoryTests
{
    private static readonly Hyperparameters Fit = Models.Of(1, 1e-3, 0.5, 0.5, 1);

    [Fact]
    public void The_category_that_was_tried_least_is_neglected()
    {
        Assert.Equal(new Category(2, 1), Neglected(Uneven(others: [2, 1])));
        Assert.Equal(new Category(2, 2), Neglected(Uneven(others: [2, 1, 1])));
    }

    [Fact]
    public void None_is_neglected_before_there_are_ten_results()
    {
        var results = Uneven(others: [1]);

        Assert.Null(Neglected(results[..9]));
        Assert.NotNull(Neglected(results[..10]));
    }

    [Fact]
    public void None_is_neglected_when_all_had_their_share()
    {
        Assert.Null(Neglected(Uneven(others: [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2])));
    }

    [Fact]
    public void Places_that_are_being_tried_count()
    {
        var results = Uneven(others: [1, 2, 2]);

        Assert.Equal(new Category(2, 1), Neglected(results));
        Assert.Equal(new Category(2, 2), Neglected(results, new([0.1, 0.1, 1]), new([0.2, 0.1, 1])));
    }

    [Fact]
    public void A_category_that_only_fails_is_left_alone()
    {
        var study = Given.Study(Given.Double("a", "0", "1"), Given.Categorical("c", "x", "y", "z"));
        var trials = ImmutableArray<Trial>.Empty;
        for (var i = 0; i < 60; i++)
        {
            var point = study.Space.Parse(new BayesianOptimization()
                .Suggest(study with { Trials = trials, Issued = i }, 1, CancellationToken.None).Suggestions[0].Assignments)!.Value;
            var (a, c) = (point.Coordinates[0], point.Coordinates[1]);
            var loss = Math.Abs(a - 0.5) + c;
            trials = trials.Add(c is 2
                ? new($"t{i}", point, TrialStatus.Failed, null, Histories.Time(i))
                : new($"t{i}", point, TrialStatus.Succeeded, loss, Histories.Time(i)));
        }

        Assert.InRange(trials.Skip(30).Count(static t => t.Status is TrialStatus.Failed), 0, 3);
        Assert.InRange(trials.Skip(30).Count(static t => t.Point!.Value.Coordinates[1] is 1), 4, 20);
    }

    [Fact]
    public void Without_categories_none_is_neglected()
    {
        var results = Enumerable.Range(0, 40).Select(static i => new Result(new([i / 40.0]), i, false)).ToImmutableArray();
        var process = Models.Process(Models.Line, Observations.Of(Models.Line, results), Models.Of(1, 1e-3, 0.5));

        Assert.Null(Category.Neglected(Models.Line, HistoryOf(results), process, []));
    }

    [Fact]
    public void Of_more_categories_than_there_are_trials_for_none_is_neglected()
    {
        var space = new ModelSpace(Given.Space(
            Given.Double("a", "0", "1"), Given.Categorical("c", [.. Enumerable.Range(0, 100).Select(static i => $"c{i}")])));
        var results = Enumerable.Range(0, 40)
            .Select(static i => new Result(new([i / 40.0, i % 2]), i, false)).ToImmutableArray();
        var process = Models.Process(space, Observations.Of(space, results), Models.Of(1, 1e-3, 0.5, 1));

        Assert.Null(Category.Neglected(space, HistoryOf(results), process, []));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0.01")]
    [InlineData("0.0001")]
    public void Every_second_pick_is_of_a_category_that_was_neglected(string step)
    {
        var study = Given.Study(Given.Double("a", "0", "1", step), Given.Categorical("c", "x", "y", "z"));
        (double A, int C)[] points =
        [
            .. Enumerable.Range(0, 20).Select(static i => (0.5 + (i * 0.01), 0)),
            (0.1, 0), (0.1, 1), (0.9, 1), (0.2, 2), (0.4, 2), (0.8, 2),
        ];
        var trials = points.Select((p, i) => new Trial(
            $"t{i}",
            new([Snap(study, p.A), p.C]),
            TrialStatus.Succeeded,
            Math.Abs(p.A - 0.5) + p.C,
            Histories.Time(i))).ToImmutableArray();

        var picks = new BayesianOptimization().Suggest(
            study with { Trials = trials, Issued = trials.Length }, 3, CancellationToken.None).Suggestions;

        Assert.Contains(picks[0].Assignments, static a => a is { Name: "c", Value: "y" });
        Assert.Contains(picks[2].Assignments, static a => a is { Name: "c", Value: not "x" });
    }

    private static double Snap(Study study, double value) =>
        study.Space.Parameters[0].FromScale(study.Space.Parameters[0].ToScale(value));

    private static Category? Neglected(ImmutableArray<Result> results, params Point[] open) => Category.Neglected(
        Models.Mixed, HistoryOf(results), Models.Process(Models.Mixed, Observations.Of(Models.Mixed, results), Fit), open);

    private static History HistoryOf(ImmutableArray<Result> results, params ImmutableArray<Point> failures) =>
        new(results, failures, [], new HashSet<Point>());

    /// <summary>Poor results of some categories, and then many of the category 0 around one good place.</summary>
    private static ImmutableArray<Result> Uneven(int[] others) =>
    [
        .. others.Select(static (c, i) => new Result(new([i / 20.0, 0.9, c]), 5 + i, false)),
        .. Enumerable.Range(0, 16).Select(static i => new Result(new([0.5 + (i / 200.0), 0.5, 0]), i / 16.0, false)),
    ];
}
