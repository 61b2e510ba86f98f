using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class MaternKernelTests
{
    /// <summary>Lengths that are no multiple of a vector, of a chunk, or of neither.</summary>
    public static TheoryData<int> Counts => [1, 3, 4, 7, 255, 256, 257, 1000];

    [Theory]
    [MemberData(nameof(Counts))]
    public void Covariances_and_their_slopes_follow_the_formula(int count)
    {
        var kernel = new MaternKernel(Models.Mixed, Models.Of(1.7, 1e-3, 0.3, 0.7, 1.3));
        var sites = new Sites(Models.Mixed, Models.Scatter(Models.Mixed, count, seed: count));
        double[] unit = [0.3, 0.6, 1];
        var (row, slopes, squares) = (new double[count], new double[count], new double[count]);

        kernel.Distances(unit, sites.Columns, squares);
        squares.CopyTo(row, 0);
        kernel.Covariances(row, slopes);

        Assert.Equal(1.7, kernel.Signal, 1e-15);
        for (var i = 0; i < count; i++)
        {
            var other = sites.Units.Row(i);
            var (p, q) = ((unit[0] - other[0]) / 0.3, (unit[1] - other[1]) / 0.7);
            var square = (p * p) + (q * q) + (other[2] == 1 ? 0 : 1 / (1.3 * 1.3));
            var a = Math.Sqrt(5 * square);
            Assert.Equal(square, squares[i], 1e-13 * (1 + square));
            Assert.Equal(1.7 * (1 + a + (a * a / 3)) * Math.Exp(-a), row[i], 1e-13);
            Assert.Equal(-5 * 1.7 / 6 * (1 + a) * Math.Exp(-a), slopes[i], 1e-13);
        }
    }

    [Fact]
    public void A_place_is_covariant_with_itself_by_the_signal_and_with_the_far_end_of_the_world_not_at_all()
    {
        var kernel = new MaternKernel([false], Models.Of(2, 1, 1e-3).Logs.AsSpan());
        var columns = Models.Row(0.25, 1);
        var (row, slopes) = (new double[2], new double[2]);

        kernel.Distances([0.25], columns, row);
        kernel.Covariances(row, slopes);

        Assert.Equal([2, 0], row);
        Assert.Equal(-5.0 / 3, slopes[0], 1e-15);
        Assert.Equal(0, slopes[1]);
    }

    [Fact]
    public void The_slope_is_the_derivative_by_the_squared_distance()
    {
        var kernel = new MaternKernel([false], Models.Of(1.2, 1, 0.5).Logs.AsSpan());

        foreach (var square in (double[])[0.01, 0.3, 2, 30])
        {
            double[] row = [square];
            var slopes = new double[1];
            kernel.Covariances(row, slopes);
            Assert.Equal(Models.Slope(h => At(square + h)), slopes[0], 1e-8);
        }

        double At(double square)
        {
            double[] row = [square];
            kernel.Covariances(row);
            return row[0];
        }
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void A_distance_does_not_depend_on_how_many_are_asked_for(int count)
    {
        var kernel = new MaternKernel(Models.Mixed, Models.Of(1, 1e-3, 0.3, 0.7, 1.3));
        var sites = new Sites(Models.Mixed, Models.Scatter(Models.Mixed, 1000, seed: 1));
        var all = Models.Covariances(kernel, [0.3, 0.6, 1], sites);
        var some = new double[count];

        kernel.Distances([0.3, 0.6, 1], sites.Columns, some);
        kernel.Covariances(some);

        Assert.Equal(Numerics.Matrices.Bits(all.AsSpan(0, count)), Numerics.Matrices.Bits(some));
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Sums_over_an_axis_are_what_they_say(int count)
    {
        var numbers = Numerics.Matrices.Random(count, seed: 1);
        var categories = numbers.Select(static n => Math.Floor(3 * Math.Abs(n))).ToArray();
        var weights = Numerics.Matrices.Random(count, seed: 2);
        var pairs = numbers.Zip(weights).ToArray();

        Assert.Equal(
            pairs.Sum(static p => p.Second * (p.First - 0.3) * (p.First - 0.3)),
            VectorSums.SquaredDifferences(numbers, 0.3, weights, isCategorical: false),
            1e-13 * count);
        Assert.Equal(
            categories.Zip(weights).Sum(static p => p.First == 1 ? 0 : p.Second),
            VectorSums.SquaredDifferences(categories, 1, weights, isCategorical: true),
            1e-13 * count);
        Assert.Equal(
            pairs.Sum(static p => p.Second * (0.3 - p.First)), VectorSums.Differences(numbers, 0.3, weights), 1e-13 * count);
    }
}
