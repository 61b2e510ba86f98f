using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class OutputWarpTests
{
    public static TheoryData<double[]> Losses =>
    [
        .. (double[][])
        [
            [1, 2],
            [3, 1, 2],
            [5, 1, 4, 2, 3],
            [1, 1, 1, 2],
            [0, 0, 0, 0, 0, 1],
            [-3, 0.5, 1e6, 0.25, 7, 7, 8, 0.125, -2],
            [1e308, -1e308, 0, 1, 2, 3],
            [double.MaxValue, 1, 2, 3, 4],
            [double.MaxValue, double.MinValue],
            [1e-300, 2e-300, 3e-300, 5e-300, 9e-300],
            [double.Epsilon, 2 * double.Epsilon, 3 * double.Epsilon, 0, 5 * double.Epsilon],
            [-1e-200, 1e-200, 0, 2e-200],
            [1e100, 1.1e100, 1.2e100, 1.3e100, 1e-100],
            [1e12, 1e12 + 1, 1e12 + 2, 1e12 + 5, 1e12 + 9],
            [0.1, 0.2, 0.3, 1e300],
        ],
    ];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Losses))]
    public void The_order_is_kept_and_the_best_stays_the_best(double[] losses)
    {
        AssertInOrder(losses, Warp(losses));
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void The_mean_is_0_and_the_deviation_1(double[] losses)
    {
        var warped = Warp(losses);

        Assert.All(warped, static w => Assert.True(double.IsFinite(w)));
        Assert.Equal(0, warped.Average(), 1e-3);
        Assert.Equal(1, warped.Average(static w => w * w), 1e-3);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_order_of_random_losses_is_kept(int seed)
    {
        var dice = new Dice(seed);
        double[] losses = [.. Enumerable.Range(0, 1 + dice.Below(200)).Select(_ =>
            (dice.Below(2001) - 1000) * Math.Pow(10, dice.Below(dice.OneOf(1, 20, 300))))];

        AssertInOrder(losses, Warp(losses));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(-1e308)]
    [InlineData(1e-320)]
    public void Equal_losses_are_all_0(double loss)
    {
        for (var count = 0; count < 10; count++)
        {
            Assert.All(Warp([.. Enumerable.Repeat(loss, count)]), static w => Assert.Equal(0, w));
        }
    }

    [Fact]
    public void Losses_that_differ_by_less_than_their_digits_are_equal()
    {
        Assert.All(Warp([1e6, Math.BitIncrement(1e6), 1e6, 1e6]), static w => Assert.Equal(0, w));
    }

    [Fact]
    public void The_good_half_keeps_its_proportions()
    {
        var warped = Warp([0, 1, 4, 5, 100, 1e7, 1e9, 50, 60]);

        Assert.Equal(3, (warped[2] - warped[1]) / (warped[1] - warped[0]), 1e-9);
        Assert.Equal(1, (warped[3] - warped[2]) / (warped[1] - warped[0]), 1e-9);
    }

    [Fact]
    public void Of_the_bad_half_only_the_ranks_count()
    {
        var (mild, wild) = (Warp([0, 1, 2, 3, 4, 5, 6, 7]), Warp([0, 1, 2, 3, 4, 50, 6e5, 7e300]));

        Assert.Equal(mild[..4].Select(w => (w - mild[0]) / (mild[3] - mild[0])),
            wild[..4].Select(w => (w - wild[0]) / (wild[3] - wild[0])), Close);
        Assert.InRange(wild[7], 0, 5);

        static bool Close(double x, double y) => Math.Abs(x - y) < 1e-9;
    }

    [Fact]
    public void Few_losses_keep_their_proportions()
    {
        var warped = Warp([0, 1, 1000]);

        Assert.Equal(999, (warped[2] - warped[1]) / (warped[1] - warped[0]), 1e-9);
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void Neither_the_unit_nor_the_order_of_the_losses_matters(double[] losses)
    {
        var warped = Warp(losses);

        var halved = Warp([.. losses.Select(static l => l / 2)]);
        var reversed = Warp([.. losses.Reverse()]);

        Assert.All(warped.Zip(Enumerable.Reverse(reversed)), static w => Assert.Equal(w.First, w.Second, 1e-3));
        if (losses.Contains(double.Epsilon))
        {
            return; // It cannot be halved.
        }

        Assert.Equal(warped, halved);
    }

    private static double[] Warp(double[] losses)
    {
        var warped = losses.ToArray();
        OutputWarp.Apply(warped);
        return warped;
    }

    /// <summary>What is less stays less or, where the digits do not suffice, becomes equal; so does the least.</summary>
    private static void AssertInOrder(double[] losses, double[] warped)
    {
        var order = Enumerable.Range(0, losses.Length).OrderBy(i => losses[i]).ToArray();
        Assert.All(order.Zip(order.Skip(1)), p => Assert.True(
            warped[p.First] <= warped[p.Second],
            $"{losses[p.First]:R} is less than {losses[p.Second]:R}, but became more."));
        var best = losses.Length > 0 ? losses.Min() : 0;
        Assert.All(losses.Zip(warped), p => Assert.True(p.First > best || p.Second == warped.Min()));
        Assert.All(losses.Zip(warped), static p => Assert.True(double.IsFinite(p.Second)));
    }
}
