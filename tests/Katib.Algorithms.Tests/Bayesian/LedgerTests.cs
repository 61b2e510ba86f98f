using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class LedgerTests
{
    private const int MaxLength = 32 * 1024;

    private static readonly Study Mixed = Given.Study(
        Given.Double("a", "-1e-7", "1e300"),
        Given.Int("b", "-5", "5"),
        Given.Categorical("c", "x;y", "z,w", "u"),
        Given.Double("d", "1e-5", "1", "", Distribution.LogUniform));

    public static TheoryData<string?> Garbage =>
    [
        (string?)null, "", ";", ",", ";;;,,,;;", "hello", "1,2,3", "1,2,3,4,5", "NaN,0,0,0.5", "1,0,0,Infinity", "1e999,0,0,0.5",
        "1,0.5,0,0.5", "1,11,0,0.5", "1,0,3,0.5", "1,0,-1,0.5", "1,0,0,2", "1;0;0;0.5", "1,5,0,0,5", "0x10,0,0,0.5",
        "1,0,0,0.5\0,", "\ud800,0,0,0.5", "1 000,0,0,0.5", "--1,0,0,0.5",
    ];

    [Fact]
    public void Issued_points_come_back()
    {
        var points = Points(20, seed: 1);

        var ledger = Ledger.Read(Mixed, Text(Ledger.Read(Mixed, null), Mixed, points));

        Assert.Equal(points, ledger.Points);
    }

    [Fact]
    public void New_points_are_added_to_those_that_stood_there()
    {
        var points = Points(9, seed: 2);
        var first = Text(Ledger.Read(Mixed, null), Mixed, points[..4]);

        var second = Text(Ledger.Read(Mixed, first), Mixed, points[2..]);

        Assert.Equal(points, Ledger.Read(Mixed, second).Points);
    }

    [Fact]
    public void A_point_leaves_when_its_trial_has_ended_and_is_known_while_its_trial_is_shown()
    {
        var points = Points(8, seed: 3);
        var text = Text(Ledger.Read(Mixed, null), Mixed, points);
        var study = Mixed with
        {
            Trials = [.. points.Select(static (p, i) => new Trial($"t{i}", p, (TrialStatus)i, null))],
        };
        Point[] open = [points[(int)TrialStatus.Created], points[(int)TrialStatus.Running], points[(int)TrialStatus.Unknown]];

        var ledger = Ledger.Read(study, text);

        Assert.Empty(ledger.Points);
        Assert.Equal(open, Ledger.Read(Mixed, Text(ledger, study, [])).Points);
    }

    [Theory]
    [MemberData(nameof(Garbage))]
    public void What_is_no_point_is_passed_over(string? text)
    {
        var points = Points(2, seed: 4);
        var sound = Text(Ledger.Read(Mixed, null), Mixed, points);

        Assert.Empty(Ledger.Read(Mixed, text).Points);
        Assert.Equal(points, Ledger.Read(Mixed, $"{text};{sound};{text}").Points);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_text_is_survived(int seed)
    {
        const string Characters = "0123456789.,;eE+- \tNaN\0é";
        var dice = new Dice(seed);
        for (var i = 0; i < 300; i++)
        {
            var text = string.Concat(Enumerable.Range(0, dice.Below(200)).Select(_ => Characters[dice.Below(Characters.Length)]));

            var ledger = Ledger.Read(Mixed, text);

            Assert.All(ledger.Points, static p => Assert.All(
                p.Coordinates.Zip(Mixed.Space.Parameters), static c => Assert.True(c.Second.Contains(c.First))));
            Assert.Equal(ledger.Points, Ledger.Read(Mixed, Text(ledger, Mixed, [])).Points);
        }
    }

    [Fact]
    public void It_never_grows_beyond_32_KiB_and_forgets_the_oldest_first()
    {
        var study = Given.Study(Enumerable.Range(0, 50).Select(static i => Given.Double($"p{i}", "-1", "1")));
        var text = (string?)null;
        var issued = new List<Point>();
        for (var round = 0; round < 10; round++)
        {
            var points = Points(study, 10, seed: round);
            issued.AddRange(points);
            text = Text(Ledger.Read(study, text), study, points);
            Assert.InRange(text.Length, 1, MaxLength);
        }

        var kept = Ledger.Read(study, text).Points;

        Assert.InRange(kept.Length, 20, 99);
        Assert.Equal(issued.TakeLast(kept.Length), kept);
    }

    [Fact]
    public void A_point_that_is_larger_than_all_is_left_out()
    {
        var study = Given.Study(Enumerable.Range(0, 3000).Select(static i => Given.Double($"p{i}", "-1", "1")));

        Assert.Equal("", Text(Ledger.Read(study, null), study, Points(study, 1, seed: 1)));
    }

    /// <summary>Somebody's own text of a megabyte: milliseconds, of which a quadratic way through it makes minutes.</summary>
    [Fact]
    public void A_long_text_is_read_at_once()
    {
        var study = Given.Study(Given.Int("x", "0", "1000000000"));
        var text = string.Join(';', Enumerable.Range(100_000_000, 110_000));

        var begun = TimeProvider.System.GetTimestamp();

        var ledger = Ledger.Read(study, text);

        Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.InRange(Text(ledger, study, []).Length, 30_000, MaxLength);
    }

    private static Point[] Points(int count, int seed) => Points(Mixed, count, seed);

    private static Point[] Points(Study study, int count, int seed)
    {
        var numbers = Numerics.Matrices.Random(count, study.Space.Dimension, seed);
        return
        [
            .. Enumerable.Range(0, count).Select(i => study.Space.Quantile(
                [.. numbers.Row(i).ToArray().Select(static n => (n + 1) / 2)])),
        ];
    }

    private static string Text(Ledger ledger, Study study, IEnumerable<Point> issued) =>
        Assert.Single(ledger.After(study, issued)).Value;
}
