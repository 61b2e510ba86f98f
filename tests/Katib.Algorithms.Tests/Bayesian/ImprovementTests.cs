using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>The constants are those of <c>reference.py</c>: 80 digits, by the definitions.</summary>
public sealed class ImprovementTests
{
    private const double Close = 1e-13;

    /// <summary>The ratios are differences of nearly equal numbers for t far below 0.</summary>
    private const double RatiosClose = 1e-11;

    /// <summary>t; ln h, Φ/h, φ/h; ln Φ, φ/Φ.</summary>
    public static TheoryData<double, double, double, double, double, double> Table => new()
    {
        {
            8, 2.0794415416798359377, 0.12499999999999992106, 6.3153388544211153003e-16,
            -6.2209605742717860585e-16, 5.0522710835368954309e-15
        },
        {
            3, 1.0987396653277077727, 0.33284096845179523558, 0.0014770946446142932501,
            -0.0013508099647481937988, 0.0044378390421256637933
        },
        {
            0.5, -0.35982768374506381859, 0.99092271800410996015, 0.50453864099794501993,
            -0.36894641528865639307, 0.50916043383703348583
        },
        { 0, -0.91893853320467274178, 1.2533141373155002512, 1.0, -0.69314718055994530942, 0.79788456080286535588 },
        {
            -0.75, -2.031284584632082045, 1.7277782847482856032, 2.2958337135612142024,
            -1.484448229919656292, 1.3287779652212070407
        },
        {
            -1, -2.4851210257126413368, 1.9042712333296918229, 2.9042712333296918229,
            -1.8410216450092635058, 1.5251352761609812091
        },
        {
            -1.5, -3.5299359208057098515, 2.2795806941564461644, 4.4193710412346692467,
            -2.705944400823889807, 1.9386771666225431895
        },
        {
            -3, -7.8696860596030285171, 3.5323375176251605167, 11.59701255287548155,
            -6.6077262215103495433, 3.2830986549304365069
        },
        {
            -3.5, -9.7468100377653867369, 3.977862956240945633, 14.922520346843309715,
            -8.366065308344092935, 3.7513912648576997313
        },
        {
            -4.5, -14.180488381868340313, 4.8942871938999713375, 23.024292372549871019,
            -12.592419735713078666, 4.704319844827732404
        },
        {
            -7.5, -33.124094345534699403, 7.753958154845190824, 59.15468616133893118,
            -31.075890902890001243, 7.6289663911037659167
        },
        {
            -8.5, -41.363744740008025716, 8.7263598422574505151, 75.174058659188329378,
            -39.197396428217669289, 8.6145953201651728741
        },
        {
            -10, -55.553122036122355927, 10.194383033412553306, 102.94383033412553306,
            -53.231285150512470578, 10.098093233962511963
        },
        {
            -19, -187.31604760112667067, 19.104404908900253638, 363.98369326910481913,
            -184.36612866916096735, 19.052343949197502906
        },
        {
            -21, -227.5147329281090678, 21.094600277127584962, 443.98660581967928419,
            -224.46571583141447131, 21.04740549651866493
        },
        {
            -59, -1749.5748743774380491, 59.033869149384562135, 3483.9982798136891659,
            -1745.4967630448585413, 59.016939428406251179
        },
        {
            -61, -1869.6414917394199115, 61.032760500911906662, 3723.9983905556263064,
            -1865.5300809620183091, 61.016384643129243003
        },
        {
            -100, -5010.1295788002497923, 100.01999400419586505, 10002.999400419586505,
            -5005.5242086942050886, 100.00999800099926071
        },
        {
            -1e4, -50000019.339619307157, 10000.000199999994, 100000002.99999994,
            -50000010.129278915181, 10000.000099999998
        },
    };

    /// <summary>Where one formula ends and another begins.</summary>
    public static TheoryData<double> Branches => [-1, -4, -8, -20, -60];

    [Theory]
    [MemberData(nameof(Table))]
    public void Logarithms_and_ratios_are_exact(
        double t, double logExpected, double cumulative, double density, double logProbable, double slope)
    {
        var expected = LogExpected(t, out var cumulativeRatio, out var densityRatio);
        var probable = Improvement.LogProbable(t, out var found);

        AssertClose(logExpected, expected, Close, 1e-15);
        AssertClose(cumulative, cumulativeRatio, RatiosClose);
        AssertClose(density, densityRatio, RatiosClose);
        AssertClose(logProbable, probable, Close, 1e-15);
        AssertClose(slope, found, Close);
    }

    [Theory]
    [MemberData(nameof(Branches))]
    public void No_branch_shows(double t)
    {
        var below = LogExpected(Math.BitDecrement(t), out var cumulativeBelow, out var densityBelow);
        var above = LogExpected(Math.BitIncrement(t), out var cumulativeAbove, out var densityAbove);
        var probableBelow = Improvement.LogProbable(Math.BitDecrement(t), out var slopeBelow);
        var probableAbove = Improvement.LogProbable(Math.BitIncrement(t), out var slopeAbove);

        AssertClose(below, above, 1e-12);
        AssertClose(cumulativeBelow, cumulativeAbove, RatiosClose);
        AssertClose(densityBelow, densityAbove, RatiosClose);
        AssertClose(probableBelow, probableAbove, 1e-12);
        AssertClose(slopeBelow, slopeAbove, 1e-12);
    }

    [Theory]
    [InlineData(-1e8)]
    [InlineData(-1e6)]
    [InlineData(-12345.678)]
    [InlineData(1e3)]
    [InlineData(1e8)]
    public void Nothing_overflows_far_out(double t)
    {
        var expected = LogExpected(t, out var cumulative, out var density);
        var probable = Improvement.LogProbable(t, out var slope);

        Assert.All([expected, cumulative, density, probable, slope], static x => Assert.True(double.IsFinite(x)));
        Assert.InRange(expected, -t * t, Math.Log(Math.Max(1, t)) + 1e-12);
        Assert.InRange(probable, -t * t, 0);
    }

    [Fact]
    public void Both_grow_all_the_way()
    {
        double[] places = [.. Enumerable.Range(-80_000, 90_000).Select(static i => i / 1000.0)];

        var expected = places.Select(static t => LogExpected(t, out _, out _)).ToArray();
        var probable = places.Select(static t => Improvement.LogProbable(t, out _)).ToArray();

        Assert.Equal(expected.Order(), expected);
        Assert.Equal(probable.Order(), probable);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    [InlineData(-0.99)]
    [InlineData(-1.01)]
    [InlineData(-3.7)]
    [InlineData(-6)]
    [InlineData(-15)]
    [InlineData(-40)]
    [InlineData(-70)]
    public void The_ratios_are_the_derivatives(double t)
    {
        _ = LogExpected(t, out var cumulative, out _);
        _ = Improvement.LogProbable(t, out var slope);

        AssertClose(Models.Slope(h => LogExpected(t + h, out _, out _)), cumulative, 1e-8);
        AssertClose(Models.Slope(h => Improvement.LogProbable(t + h, out _)), slope, 1e-8);
    }

    [Fact]
    public void Many_numbers_share_an_exponent_and_each_has_what_it_has_alone()
    {
        const double Tiny = 1e-300;
        double[] t = [-3, 2, -1e-3, 0, 5, -7, -60, -38, 1e3, -1, -2, -12, 8];
        double[] far = [.. t.Select(static x => x - 1e4)];

        foreach (var numbers in new[] { t, far })
        {
            var (h, below, at) = (new double[t.Length], new double[t.Length], new double[t.Length]);
            var exponent = Improvement.Evaluate(numbers, h, below, at);

            for (var i = 0; i < t.Length; i++)
            {
                var alone = LogExpected(numbers[i], out var cumulative, out var density);
                AssertClose(Math.Exp(alone - exponent), h[i], 1e-6, Tiny);
                AssertClose(cumulative * h[i], below[i], RatiosClose, Tiny);
                AssertClose(density * h[i], at[i], 1e-7, Tiny);
            }
        }
    }

    /// <summary>ln h(t), and the ratios Φ/h and φ/h of which its derivatives are made.</summary>
    internal static double LogExpected(double t, out double cumulativeRatio, out double densityRatio)
    {
        var (h, cumulative, density) = (new double[1], new double[1], new double[1]);
        var exponent = Improvement.Evaluate([t], h, cumulative, density);
        (cumulativeRatio, densityRatio) = (cumulative[0] / h[0], density[0] / h[0]);
        return exponent + Math.Log(h[0]);
    }

    private static void AssertClose(double expected, double actual, double relative, double absolute = 0) =>
        Assert.Equal(expected, actual, (relative * Math.Abs(expected)) + absolute);
}
