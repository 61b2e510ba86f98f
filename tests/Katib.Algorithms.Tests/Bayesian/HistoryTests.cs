using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class HistoryTests
{
    private static readonly Study Line = Given.Study(Given.Int("x", "0", "1000"));

    /// <summary>Status, loss; then where the trial belongs: results, failures, pending or nowhere.</summary>
    public static TheoryData<TrialStatus, double?, string> Classes => new()
    {
        { TrialStatus.Succeeded, 1, "results" },
        { TrialStatus.Succeeded, double.MaxValue, "results" },
        { TrialStatus.Succeeded, double.NegativeInfinity, "results" },
        { TrialStatus.Succeeded, double.PositiveInfinity, "failures" },
        { TrialStatus.Succeeded, double.NaN, "failures" },
        { TrialStatus.Succeeded, null, "failures" },
        { TrialStatus.EarlyStopped, 1, "results" },
        { TrialStatus.EarlyStopped, double.NaN, "failures" },
        { TrialStatus.EarlyStopped, null, "failures" },
        { TrialStatus.Failed, null, "failures" },
        { TrialStatus.Failed, 1, "failures" },
        { TrialStatus.MetricsUnavailable, null, "failures" },
        { TrialStatus.Killed, null, "" },
        { TrialStatus.Killed, 1, "" },
        { TrialStatus.Created, null, "pending" },
        { TrialStatus.Running, null, "pending" },
        { TrialStatus.Running, 1, "pending" },
        { TrialStatus.Unknown, null, "pending" },
    };

    [Theory]
    [MemberData(nameof(Classes))]
    public void A_trial_belongs_where_its_end_says(TrialStatus status, double? loss, string expected)
    {
        var history = Of(Trial(5, TrialStatus.Succeeded, 2), Trial(7, status, loss));

        var found = (history.Results.Any(static r => r.Point == At(7)) ? "results" : "")
            + (history.Failures.Contains(At(7)) ? "failures" : "")
            + (history.Pending.Contains(At(7)) ? "pending" : "");
        Assert.Equal(expected, found);
        Assert.Contains(At(7), history.Taken);
    }

    [Fact]
    public void A_loss_of_minus_infinity_is_as_good_as_the_best()
    {
        var history = Of(
            Trial(1, TrialStatus.Succeeded, 3),
            Trial(2, TrialStatus.Succeeded, double.NegativeInfinity),
            Trial(3, TrialStatus.EarlyStopped, -4));

        Assert.Equal([3, -4, -4], history.Results.Select(static r => r.Loss));
    }

    [Fact]
    public void Where_no_loss_is_finite_there_are_no_results()
    {
        var history = Of(
            Trial(1, TrialStatus.Succeeded, double.NegativeInfinity), Trial(2, TrialStatus.Succeeded, double.NaN));

        Assert.Empty(history.Results);
        Assert.Equal(2, history.Failures.Length);
    }

    [Fact]
    public void An_unfinished_run_is_noisier()
    {
        var history = Of(Trial(1, TrialStatus.Succeeded, 3), Trial(2, TrialStatus.EarlyStopped, 4));

        Assert.True(history.Results[1].IsEarlyStopped);
        Assert.True(history.Results[1].NoiseFactor > history.Results[0].NoiseFactor);
    }

    [Fact]
    public void Trials_that_are_no_point_are_passed_over()
    {
        var history = Of(new Trial("a", null, TrialStatus.Succeeded, 1), new Trial("b", null, TrialStatus.Running, null));

        Assert.Empty(history.Results);
        Assert.Empty(history.Pending);
        Assert.Empty(history.Taken);
    }

    [Fact]
    public void Unseen_points_are_pending_unless_a_trial_has_them()
    {
        var study = Line with { Trials = [Trial(1, TrialStatus.Succeeded, 1), Trial(2, TrialStatus.Running)] };

        var history = History.Of(study, [At(1), At(2), At(3), At(3)]);

        Assert.Equal([At(2), At(3)], history.Pending);
        Assert.Equal([At(1), At(2), At(3)], history.Taken.Order(PointOrder.Instance));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Neither_order_nor_names_matter(int seed)
    {
        var dice = new Dice(seed);
        var trials = Enumerable.Range(0, 200).Select(i => new Trial(
            $"t{i}", At(dice.Below(40)), (TrialStatus)dice.Below(8), dice.OneOf<double?>(null, 1, 2, -3, double.NaN),
            dice.OneOf("", "2026-01-01T00:00:00Z", "2026-01-01T00:00:07Z", "2026-02-01T00:00:00Z"))).ToArray();
        var shuffled = dice.Shuffled(trials).Select((t, i) => t with { Name = $"other-{i}" }).ToArray();

        var (history, other) = (Of(trials), Of(shuffled));

        Assert.Equal(history.Results, other.Results);
        Assert.Equal(history.Failures, other.Failures);
        Assert.Equal(history.Pending, other.Pending);
        Assert.True(history.Taken.SetEquals(other.Taken));
    }

    [Fact]
    public void Results_stand_in_the_order_of_their_ends()
    {
        var history = Of(
            Trial(9, TrialStatus.Succeeded, 1, "2026-01-02T00:00:00Z"),
            Trial(3, TrialStatus.Succeeded, 2, "2026-01-03T00:00:00Z"),
            Trial(8, TrialStatus.Succeeded, 3, "2026-01-01T00:00:00Z"),
            Trial(2, TrialStatus.Succeeded, 4, "2026-01-02T00:00:00Z"));

        Assert.Equal([At(8), At(2), At(9), At(3)], history.Results.Select(static r => r.Point));
    }

    private static History Of(params IEnumerable<Trial> trials) => History.Of(Line with { Trials = [.. trials] }, []);

    private static Trial Trial(double x, TrialStatus status, double? loss = null, string ended = "") =>
        new($"t{x}", At(x), status, loss, ended);

    private static Point At(double x) => new([x]);
}
