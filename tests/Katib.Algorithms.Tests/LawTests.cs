using System.Globalization;
using MathNet.Numerics.Distributions;

namespace Katib.Algorithms.Tests;

/// <summary>Draws of random search against the exact truncated law, which is computed here anew from its definition.</summary>
/// <remarks>
/// Every parameter stands beside a double without step, so that no draw repeats and none is passed over. Each test fails
/// for a right generator once in 10^6 seeds; the seeds are fixed, so that a test that passes once passes always.
/// </remarks>
public sealed class LawTests
{
    private const double FalseAlarm = 1e-6;

    public static TheoryData<string, string, Distribution> Continua => new()
    {
        { "1", "5", Distribution.Uniform },
        { "-3", "7", Distribution.Uniform },
        { "-1.7e308", "1.7e308", Distribution.Uniform },
        { "0.99995", "1.00005", Distribution.Uniform },
        { "1e-5", "1", Distribution.LogUniform },
        { "1", "5", Distribution.LogUniform },
        { "1e-300", "1e300", Distribution.LogUniform },
        { "-3", "7", Distribution.Normal },
        { "5", "10", Distribution.Normal },
        { "-0.00005", "0", Distribution.Normal },
        { "0.99995", "1.00005", Distribution.Normal },
        { "5", "10", Distribution.LogNormal },
        { "1e-6", "1e3", Distribution.LogNormal },
        { "0.99995", "1.00005", Distribution.LogNormal },
    };

    /// <summary>Values of finite parameters, listed here by hand so that a wrong grid is found too.</summary>
    private static Dictionary<string, (ParameterSpec Spec, double[] Values)> Finite { get; } = new()
    {
        ["int 1..10"] = (Given.Int("x", "1", "10"), Steps(1, 1, 10)),
        ["int 32..64"] = (Given.Int("x", "32", "64"), Steps(32, 1, 33)),
        ["int 5..100 by 0.01"] = (Given.Int("x", "5", "100", "0.01"), Steps(5, 1, 96)),
        ["int 1..10 by 4"] = (Given.Int("x", "1", "10", "4"), [1, 5, 9]),
        ["int 0..6 by 1.5"] = (Given.Int("x", "1", "7", "1.5"), [1, 3, 4, 6, 7]),
        ["double 5..10 by 0.8"] = (Given.Double("x", "5", "10", "0.8"), [5, 5.8, 6.6, 7.4, 8.2, 9, 9.8]),
        ["double 0.5..0.9 by 0.1"] = (Given.Double("x", "0.5", "0.9", "0.1"), [0.5, 0.6, 0.7, 0.8, 0.9]),
        ["double 1..6000 by 1"] = (Given.Double("x", "1", "6000", "1"), Steps(1, 1, 6000)),
        ["discrete 3, 2, 6"] = (Given.Discrete("x", "3", "2", "6"), [2, 3, 6]),
        ["discrete powers"] = (Given.Discrete("x", "1000", "1", "0.10", "10", "100"), [0.1, 1, 10, 100, 1000]),
        ["discrete pair"] = (Given.Discrete("x", "8", "0.5"), [0.5, 8]),
    };

    public static TheoryData<string, Distribution> FiniteUnderAll
    {
        get
        {
            var data = new TheoryData<string, Distribution>();
            foreach (var name in Finite.Keys)
            {
                data.Add(name, Distribution.Uniform);
                data.Add(name, Distribution.LogUniform);
                data.Add(name, Distribution.Normal);
                data.Add(name, Distribution.LogNormal);
            }

            return data;
        }
    }

    /// <summary>Kolmogorov and Smirnov's distance, with the bound of Dvoretzky, Kiefer, Wolfowitz and Massart.</summary>
    [Theory]
    [MemberData(nameof(Continua))]
    public void A_double_follows_its_law(string min, string max, Distribution distribution)
    {
        var values = Draw(Given.Double("x", min, max, "", distribution));

        var (low, high) = (Number(min), Number(max));
        var n = values.Length;
        Array.Sort(values);
        var distance = values
            .Select((v, i) => (Share: ShareBelow(v, low, high, distribution), Index: i))
            .Max(v => Math.Max(v.Share - ((double)v.Index / n), ((v.Index + 1.0) / n) - v.Share));
        Assert.InRange(distance, 0, Math.Sqrt(Math.Log(2 / FalseAlarm) / (2 * n)));
        Assert.InRange(values[0], low, high);
        Assert.InRange(values[^1], low, high);
    }

    [Theory]
    [MemberData(nameof(FiniteUnderAll))]
    public void A_finite_parameter_follows_its_law(string name, Distribution distribution)
    {
        var (spec, values) = Finite[name];
        var draws = Draw(spec.Under(distribution));

        var positions = values.Select((v, i) => (v, i)).ToDictionary(static v => v.v, static v => v.i);
        var counts = new int[values.Length];
        foreach (var draw in draws)
        {
            counts[positions[draw]]++;
        }

        AssertFits(counts, Masses(values, distribution), draws.Length);
    }

    [Fact]
    public void Choices_are_equally_likely()
    {
        string[] choices = ["sgd", "adam", "ftrl", "rmsprop", "lamb"];
        var drawn = Suggest(Given.Categorical("x", choices)).ToArray();

        AssertFits(
            [.. choices.Select(c => drawn.Count(d => d == c))], [.. choices.Select(_ => 1.0 / choices.Length)], drawn.Length);
    }

    /// <summary>Both ends by themselves: a count within 5 standard deviations, which fails once in 1.7 * 10^6.</summary>
    [Theory]
    [InlineData(Distribution.Uniform)]
    [InlineData(Distribution.LogUniform)]
    [InlineData(Distribution.Normal)]
    [InlineData(Distribution.LogNormal)]
    public void Both_ends_of_an_int_have_their_mass(Distribution distribution)
    {
        var draws = Draw(Given.Int("x", "1", "10", "", distribution));

        var masses = Masses(Steps(1, 1, 10), distribution);
        foreach (var (value, mass) in ((double, double)[])[(1, masses[0]), (10, masses[^1])])
        {
            var expected = draws.Length * mass;
            var deviation = Math.Sqrt(expected * (1 - mass));
            var count = draws.Count(d => d == value);
            Assert.True(count > 0);
            Assert.InRange(count, expected - (5 * deviation), expected + (5 * deviation));
        }
    }

    /// <summary>Under <c>uniform</c> the ends of an int weigh as much as the rest, unlike Katib's.</summary>
    [Fact]
    public void The_masses_used_here_are_right()
    {
        Assert.Equal([0.25, 0.25, 0.25, 0.25], Masses([1, 2, 3, 4], Distribution.Uniform));
        Assert.Equal([0.25, 0.25, 0.25, 0.25], Masses([1, 10, 100, 1000], Distribution.LogUniform).Select(m => Math.Round(m, 12)));
        Assert.Equal(1, Masses(Steps(1, 1, 33), Distribution.LogNormal).Sum(), 1e-12);
        Assert.Equal(0.5, ShareBelow(2, -3, 7, Distribution.Normal), 1e-12);
        Assert.Equal(0.5, ShareBelow(10, 1, 100, Distribution.LogUniform), 1e-12);
        Assert.Equal(0.5, ShareBelow(10, 1, 100, Distribution.LogNormal), 1e-12);
    }

    [Fact]
    public void Parameters_are_independent()
    {
        var study = Given.Study(
            Given.Categorical("a", "0", "1", "2", "3"), Given.Double("f", "0", "1"), Given.Categorical("b", "0", "1", "2", "3", "4"));
        var suggestions = new Random.RandomSearch().Ask(study, TestSize.Draws);

        var counts = new int[20];
        foreach (var assignments in suggestions.Select(static s => s.Assignments))
        {
            counts[((int)Number(assignments[0].Value) * 5) + (int)Number(assignments[2].Value)]++;
        }

        AssertFits(counts, [.. Enumerable.Repeat(0.05, 20)], suggestions.Length);
    }

    private static double[] Draw(ParameterSpec spec) => [.. Suggest(spec).Select(Number)];

    private static IEnumerable<string> Suggest(ParameterSpec spec)
    {
        var study = Given.Study(spec, Given.Double("beside", "0", "1"));
        return new Random.RandomSearch().Ask(study, TestSize.Draws).Select(static s => s.Assignments[0].Value);
    }

    /// <summary>Pearson's chi-square; neighbours are joined until at least 10 are expected.</summary>
    private static void AssertFits(int[] counts, double[] masses, int n)
    {
        var (statistic, groups, count, expected) = (0.0, 0, 0.0, 0.0);
        for (var i = 0; i < counts.Length; i++)
        {
            count += counts[i];
            expected += n * masses[i];
            var rest = n * masses.Skip(i + 1).Sum();
            if (expected >= 10 && (rest >= 10 || i == counts.Length - 1))
            {
                statistic += (count - expected) * (count - expected) / expected;
                groups++;
                (count, expected) = (0, 0);
            }
        }

        Assert.Equal(0, count);
        Assert.True(groups > 1);
        Assert.InRange(statistic, 0, ChiSquared.InvCDF(groups - 1, 1 - FalseAlarm));
    }

    /// <summary>The mass of each value: under uniform the same, else that of its cell between the midpoints on the scale.</summary>
    private static double[] Masses(double[] values, Distribution distribution)
    {
        if (distribution is Distribution.Uniform)
        {
            return [.. values.Select(_ => 1.0 / values.Length)];
        }

        var isLog = distribution is Distribution.LogUniform or Distribution.LogNormal;
        var scaled = values.Select(v => isLog ? Math.Log(v) : v).ToArray();
        var edges = scaled.Zip(scaled.Skip(1), static (a, b) => (a + b) / 2).ToList();
        edges.Insert(0, (2 * scaled[0]) - edges[0]);
        edges.Add((2 * scaled[^1]) - edges[^1]);
        Func<double, double> below = distribution is Distribution.LogUniform
            ? static e => e
            : e => Normal.CDF((scaled[0] + scaled[^1]) / 2, (scaled[^1] - scaled[0]) / 6, e);
        return [.. edges.Zip(edges.Skip(1), (a, b) => (below(b) - below(a)) / (below(edges[^1]) - below(edges[0])))];
    }

    /// <summary>The share of the law below a value.</summary>
    private static double ShareBelow(double value, double min, double max, Distribution distribution)
    {
        var isLog = distribution is Distribution.LogUniform or Distribution.LogNormal;
        var (v, low, high) = isLog
            ? (Math.Log(value), Math.Log(min), Math.Log(max))
            : (value / 4, min / 4, max / 4);
        if (distribution is Distribution.Uniform or Distribution.LogUniform)
        {
            return (v - low) / (high - low);
        }

        double Below(double x) => Normal.CDF((low + high) / 2, (high - low) / 6, x);
        return (Below(v) - Below(low)) / (Below(high) - Below(low));
    }

    private static double[] Steps(double first, double step, int count) =>
        [.. Enumerable.Range(0, count).Select(k => first + (k * step))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
