using System.Globalization;
using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>Requests as nobody would think of them. A failure names its case: the seed of its dice.</summary>
public sealed class BayesianFuzzTests
{
    private const int MaxProblems = 10;

    private static readonly BayesianOptimization Warm = new();

    private static readonly string[] Functions = ["gp_hedge", "EI", "LCB", "PI", "EIps", "PIps"];

    /// <summary>Kinds of losses that a study may have.</summary>
    private enum Losses
    {
        Smooth,
        Constant,
        Huge,
        Tiny,
        NoNumber,
        OneNumber,
        Steps,
        None,
    }

    [Fact]
    public void Every_request_gets_exactly_so_many_new_points_of_the_space()
    {
        var problems = new List<string>();
        for (var seed = 1; seed <= TestSize.Of(small: 150, full: 10_000) && problems.Count < MaxProblems; seed++)
        {
            try
            {
                Try(seed);
            }
            catch (Exception problem) when (problem is not OperationCanceledException)
            {
                problems.Add($"Case {seed}: {Describe(Make(new(seed)))}: {problem}");
            }
        }

        Assert.True(problems.Count is 0, string.Join("\n\n", problems));
    }

    private static void Try(int seed)
    {
        var dice = new Dice(seed);
        var study = Make(dice);
        var count = 1 + dice.Below(dice.OneOf(1, 2, 4, dice.Below(4) is 0 ? 20 : 3));

        var reply = Warm.Suggest(study, count, TestContext.Current.CancellationToken);

        Check(study, reply, count);
        if (dice.Below(5) is 0)
        {
            var shuffled = study with { Trials = [.. dice.Shuffled(study.Trials)] };
            var again = new BayesianOptimization().Suggest(shuffled, count, TestContext.Current.CancellationToken);
            Assert.Equal(Given.Texts(reply.Suggestions), Given.Texts(again.Suggestions));
            Assert.Equal(reply.Echo, again.Echo);
        }

        if (dice.Below(5) is 0)
        {
            var next = Histories.Echoed(study, reply) with { Issued = study.Issued + count };
            Check(next, Warm.Suggest(next, 2, TestContext.Current.CancellationToken), 2);
        }
    }

    private static void Check(Study study, Reply reply, int count)
    {
        if (study.Settings.Items.Any(static i => i.Key is "allow_duplicates"))
        {
            Soundness.CheckPoints(study, reply.Suggestions, count);
        }
        else
        {
            Soundness.Check(study, reply.Suggestions, count);
        }

        Assert.All(reply.Echo, static e => Assert.InRange(e.Value.Length, 0, 32 * 1024));
        Assert.Equal(reply.Echo.Select(static e => e.Key).Distinct(), reply.Echo.Select(static e => e.Key));
    }

    private static string Describe(Study study) => string.Create(
        CultureInfo.InvariantCulture,
        $"{study.Trials.Length} trials, {study.Issued} issued, [{string.Join(", ", study.Settings.Items.Select(Shorten))}], "
            + $"parameters {string.Join(", ", study.Space.Parameters.Select(static p => $"{p.Name} of {p.Count}"))}");

    private static string Shorten(KeyValuePair<string, string> item) =>
        $"{item.Key}={(item.Value.Length > 40 ? item.Value[..40] : item.Value)}";

    private static Study Make(Dice dice)
    {
        var isTiny = dice.Below(6) is 0;
        var dimension = isTiny ? 1 + dice.Below(3) : dice.OneOf(1, 2, 2, 3, 3, 4, 6, 8, dice.Below(6) is 0 ? 50 : 5);
        var study = Given.Study(Enumerable.Range(0, dimension).Select(i => isTiny ? Tiny(dice, i) : Any(dice, i)));
        var count = dice.Below(500) is 0 ? 3000 : dice.Below(dice.OneOf(1, 5, 20, 20, 40, 40, dice.Below(8) is 0 ? 400 : 60));
        var points = Points(dice, study.Space, count);
        var losses = (Losses)dice.Below(8);
        var hasTimes = dice.Below(4) is not 0;
        var trials = points.Select((p, i) =>
        {
            var status = losses is Losses.None ? dice.OneOf(TrialStatus.Failed, TrialStatus.MetricsUnavailable)
                : dice.Below(3) is 0 ? (TrialStatus)dice.Below(8) : TrialStatus.Succeeded;
            return new Trial($"t{i}", p, status, Loss(dice, losses, p, i), hasTimes ? Histories.Time(dice.Below(count)) : "");
        });
        study = study with
        {
            Trials = [.. trials],
            Issued = count + dice.OneOf(0, 0, 0, 0, dice.Below(20), -dice.Below(count + 1), 1_000_000),
        };
        return Set(dice, study);
    }

    private static Study Set(Dice dice, Study study)
    {
        study = dice.Below(2) is 0 ? study.With("random_state", $"{dice.Below(1000)}") : study;
        study = dice.Below(2) is 0 ? study.With("n_initial_points", $"{dice.OneOf(0, 1, 2, 5, 40)}") : study;
        study = dice.Below(2) is 0 ? study.With("acq_func", dice.OneOf(Functions)) : study;
        study = dice.Below(6) is 0 ? study.With("allow_duplicates", "true") : study;
        study = dice.Below(6) is 0 ? study.With("base_estimator", "RF") : study;
        return dice.Below(4) is 0
            ? study.With("unseen_points", string.Join(';', Points(dice, study.Space, dice.Below(30))
                .Select(static p => p is { } point ? string.Join(',', point.Coordinates.Select(
                    static c => c.ToString("R", CultureInfo.InvariantCulture))) : "nonsense,NaN;,1e999")))
            : study;
    }

    private static ParameterSpec Tiny(Dice dice, int i) => dice.Below(6) switch
    {
        0 => Given.Int($"p{i}", "1", $"{1 + dice.Below(6)}"),
        1 => Given.Double($"p{i}", "0.1", "0.4", "0.1"),
        2 => Given.Categorical($"p{i}", [.. Enumerable.Range(0, 1 + dice.Below(4)).Select(static c => $"c{c}")]),
        3 => Given.Double($"p{i}", "1", "1.0000000000000009"),
        4 => Given.Discrete($"p{i}", "1", "1.01", "1.02", "1000000000000").Under(Distribution.Normal),
        _ => Given.Discrete($"p{i}", "0.10", "3", "2"),
    };

    private static ParameterSpec Any(Dice dice, int i)
    {
        var any = (Distribution)(1 + dice.Below(4));
        var plain = dice.OneOf(Distribution.Uniform, Distribution.Normal);
        return dice.Below(16) switch
        {
            0 or 1 or 2 => Given.Double($"p{i}", "0", "1", "", plain),
            3 => Given.Double($"p{i}", "-1.7e308", "1.7e308", "", plain),
            4 => Given.Double($"p{i}", "1e-300", "1e300", "", any),
            5 => Given.Double($"p{i}", "1000", "1000.0000001", "", any),
            6 => Given.Double($"p{i}", "-3", "7", dice.OneOf("0.1", "0.00001", "2.5", "11"), plain),
            7 => Given.Double($"p{i}", "0.001", "10", dice.OneOf("0.001", "0.7"), any),
            8 => Given.Int($"p{i}", "-5", "5", "", plain),
            9 => Given.Int($"p{i}", "1", dice.OneOf("30", "100", "1000000"), dice.OneOf("", "", "1.3"), any),
            10 => Given.Int($"p{i}", "-4503599627370496", "4503599627370495", "", plain),
            11 => Given.Categorical($"p{i}", [.. Enumerable.Range(0, dice.OneOf(2, 3, 10, 70)).Select(static c => $"c{c}")]),
            12 => Given.Discrete($"p{i}", "1", "10", "100", "1000", "0.5").Under(any),
            13 => Given.Discrete($"p{i}", "small", "1", "large"),
            14 => Tiny(dice, i),
            _ => Given.Double($"p{i}", "2.5", "2.5"),
        };
    }

    /// <summary>Random points; some the same as others, or next to them; some outside of the space.</summary>
    private static List<Point?> Points(Dice dice, SearchSpace space, int count)
    {
        var (copies, near, outside) = (dice.OneOf(0, 0, 10, 50), dice.OneOf(0, 0, 10, 50), dice.OneOf(0, 0, 10));
        var points = new List<Point?>(count);
        var probabilities = new double[space.Dimension];
        while (points.Count < count)
        {
            var earlier = points.Count > 0 ? points[dice.Below(points.Count)] : null;
            if (dice.Below(100) < outside)
            {
                points.Add(null);
            }
            else if (earlier is not null && dice.Below(100) < copies)
            {
                points.Add(earlier);
            }
            else if (earlier is { } neighbour && dice.Below(100) < near)
            {
                points.Add(new([.. neighbour.Coordinates.Select((c, d) => space.Parameters[d] switch
                {
                    { Count: null } p when p.Contains(c + (1e-9 * Math.Abs(c))) => c + (1e-9 * Math.Abs(c)),
                    _ => c,
                })]));
            }
            else
            {
                foreach (ref var probability in probabilities.AsSpan())
                {
                    probability = dice.Below(1 << 30) / (double)(1 << 30);
                }

                points.Add(space.Quantile(probabilities));
            }
        }

        return points;
    }

    private static double? Loss(Dice dice, Losses kind, Point? point, int i) => kind switch
    {
        Losses.Constant => 0.1,
        Losses.Huge => dice.OneOf(1e308, -1e308, 0, 1, 1e200, double.MaxValue, double.MinValue),
        Losses.Tiny => dice.Below(100) * dice.OneOf(double.Epsilon, 1e-300, 1e-160),
        Losses.NoNumber => dice.OneOf<double?>(
            double.NaN, double.PositiveInfinity, double.NegativeInfinity, null, dice.Below(100)),
        Losses.OneNumber => i is 0 ? 5 : null,
        Losses.Steps => dice.Below(3),
        _ => point is { } p ? Math.Tanh(Histories.Loss(p)) : 0,
    };
}
