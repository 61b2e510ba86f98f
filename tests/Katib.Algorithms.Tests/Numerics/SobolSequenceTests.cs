using Katib.Algorithms.Numerics;
using MathNet.Numerics.Distributions;

namespace Katib.Algorithms.Tests.Numerics;

public sealed class SobolSequenceTests
{
    [Fact]
    public void The_first_points_are_the_published_ones()
    {
        double[][] expected =
        [
            [0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75], [0.375, 0.375, 0.625],
            [0.875, 0.875, 0.125], [0.625, 0.125, 0.875], [0.125, 0.625, 0.375], [0.1875, 0.3125, 0.9375],
            [0.6875, 0.8125, 0.4375],
        ];

        Assert.Equal(expected, Points(new(3, scramble: null), expected.Length));
    }

    /// <summary>
    /// Hashes of the points that <c>scipy.stats.qmc.Sobol(d, scramble=False).random(4096)</c> of SciPy 1.10.1 gives,
    /// each coordinate times 4096, in FNV-1a's way, point by point.
    /// </summary>
    [Theory]
    [InlineData(50, 4760637798778865445)]
    [InlineData(256, 6270995932858471205)]
    public void Points_are_those_of_SciPy(int dimensions, ulong expected)
    {
        var hash = 14695981039346656037;
        foreach (var coordinate in Points(new(dimensions, scramble: null), 4096).SelectMany(static p => p))
        {
            Assert.Equal(0, 4096 * coordinate % 1);
            hash = (hash ^ (ulong)(4096 * coordinate)) * 1099511628211;
        }

        Assert.Equal(expected, hash);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(ulong.MaxValue)]
    public void Every_coordinate_meets_each_of_1024_cells_once_in_1024_points(ulong? scramble)
    {
        var points = Points(new(256, scramble), 3 * 1024);

        for (var m = 0; m <= 10; m++)
        {
            for (var j = 0; j < 256; j++)
            {
                AssertNet(points, m, p => (int)(p[j] * (1 << m)));
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(ulong.MaxValue)]
    public void The_first_two_coordinates_meet_every_elementary_rectangle_once(ulong? scramble)
    {
        var points = Points(new(2, scramble), 4 * 1024);

        for (var m = 0; m <= 10; m++)
        {
            for (var a = 0; a <= m; a++)
            {
                AssertNet(points, m, p => ((int)(p[0] * (1 << a)) << (m - a)) + (int)(p[1] * (1 << (m - a))));
            }
        }
    }

    [Fact]
    public void A_point_depends_on_its_index_key_and_dimension_alone()
    {
        var sequence = new SobolSequence(12, scramble: 7);
        var forwards = Points(sequence, 100);

        for (var i = 99; i >= 0; i--)
        {
            Assert.Equal(forwards[i], PointAt(sequence, i));
            Assert.Equal(forwards[i][..5], PointAt(new(5, scramble: 7), i));
        }

        Assert.NotEqual(forwards[0], PointAt(new(12, scramble: 8), 0));
    }

    /// <summary>As they are middles of 2^52 cells, none can be 0 or 1.</summary>
    [Fact]
    public void Scrambled_coordinates_lie_strictly_between_0_and_1()
    {
        for (var key = 0UL; key < 20; key++)
        {
            var sequence = new SobolSequence(300, key);
            foreach (var index in (long[])[0, 1, 12_345, (1L << 52) - 1])
            {
                Assert.All(PointAt(sequence, index), static c => Assert.True(c is > 0 and < 1 && c * (1L << 52) % 1 is 0.5));
            }
        }
    }

    /// <summary>A false alarm once in 10^5 runs of other keys, and the keys are fixed.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1_000_003)]
    public void Each_scrambled_point_is_even_in_the_cube(long index)
    {
        const int Keys = 4000;
        int[][] counts = [new int[16], new int[16], new int[16]];
        for (var key = 0UL; key < Keys; key++)
        {
            var point = PointAt(new(10, key), index);
            counts[0][(int)(16 * point[0])]++;
            counts[1][(int)(16 * point[9])]++;
            counts[2][(4 * (int)(4 * point[0])) + (int)(4 * point[1])]++;
        }

        var limit = ChiSquared.InvCDF(15, 1 - (1e-5 / 9));
        Assert.All(counts, row => Assert.InRange(Statistic(row), 0, limit));

        static double Statistic(int[] row) => row.Sum(static c => (c - (Keys / 16.0)) * (c - (Keys / 16.0)) / (Keys / 16.0));
    }

    /// <summary>Random points would give a slope of -0.5, and at 2^14 points an error of 4e-3.</summary>
    [Fact]
    public void The_error_of_an_integral_falls_faster_than_with_random_points()
    {
        const int Keys = 50;
        var errors = new double[15];
        for (var key = 0UL; key < Keys; key++)
        {
            var sequence = new SobolSequence(6, key);
            var sum = 0.0;
            for (var n = 1; n <= 1 << 14; n++)
            {
                sum += Smooth(PointAt(sequence, n - 1));
                if (int.IsPow2(n))
                {
                    errors[int.Log2(n)] += Math.Pow((sum / n) - 1, 2) / Keys;
                }
            }
        }

        var slope = (Math.Log2(errors[14]) - Math.Log2(errors[4])) / 2 / 10;
        Assert.InRange(slope, -2, -1.4);
        Assert.InRange(Math.Sqrt(errors[14]), 0, 1e-6);

        // Its integral is 1.
        // Its integral is 1; the later coordinates matter less.
        static double Smooth(double[] x)
        {
            var product = 1.0;
            for (var j = 0; j < x.Length; j++)
            {
                product *= 1 + ((Math.Exp(x[j]) - Math.E + 1) / ((j + 1) * (j + 1)));
            }

            return product;
        }
    }

    [Fact]
    public void Dimensions_beyond_the_table_are_independent_draws()
    {
        const int Draws = 4096;
        var points = Points(new(300, scramble: 3), Draws);

        Assert.Equal(Points(new(256, scramble: 3), 10), points[..10].Select(static p => p[..256]));
        for (var j = 256; j < 300; j++)
        {
            // Means of the coordinate and of its product with its neighbour, within five standard errors.
            Assert.Equal(0.5, points.Average(p => p[j]), 5 * Math.Sqrt(1.0 / 12 / Draws));
            Assert.Equal(0.25, points.Average(p => p[j] * p[j - 1]), 5 * Math.Sqrt(7.0 / 144 / Draws));
            Assert.Equal(Draws, points.Select(p => p[j]).Distinct().Count());
        }
    }

    [Fact]
    public void Indexes_and_points_that_do_not_fit_are_refused()
    {
        var sequence = new SobolSequence(2, scramble: 1);

        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.Fill(-1, new double[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.Fill(1L << 52, new double[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.Fill(0, new double[3]));
    }

    /// <summary>Each run of 2^m points that starts at a multiple of 2^m meets each of 2^m cells once.</summary>
    private static void AssertNet(double[][] points, int m, Func<double[], int> cellOf)
    {
        for (var start = 0; start < points.Length; start += 1 << m)
        {
            var isMet = new bool[1 << m];
            foreach (var point in points.AsSpan(start, 1 << m))
            {
                var cell = cellOf(point);
                Assert.False(isMet[cell]);
                isMet[cell] = true;
            }
        }
    }

    private static double[] PointAt(SobolSequence sequence, long index)
    {
        var point = new double[sequence.Dimensions];
        sequence.Fill(index, point);
        return point;
    }

    private static double[][] Points(SobolSequence sequence, int count) =>
        [.. Enumerable.Range(0, count).Select(i => PointAt(sequence, i))];
}
