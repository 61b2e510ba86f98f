using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Tests.Numerics;

public sealed class DenseKernelsTests
{
    private const double MinPivot = 1e-14;

    public static TheoryData<int> Sizes => [1, 2, 3, 5, 17, 64, 100, 257, 500];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(1001)]
    public void A_dot_product_is_the_sum_of_products(int length)
    {
        var (a, b) = (Matrices.Random(length, seed: 1), Matrices.Random(length, seed: 2));

        Assert.Equal(Matrices.Dot(a, b), DenseKernels.Dot(a, b), 1e-15 * (length + 1));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_factor_multiplies_back_to_its_matrix(int n)
    {
        var a = Matrices.PositiveDefinite(n, seed: n);
        var l = Matrices.Copy(a);

        Assert.True(DenseKernels.TryFactor(l, 0, n, MinPivot));

        var (error, norm) = (0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var weight = i == j ? 1 : 2;
                var difference = Matrices.Dot(l.Row(i)[..(j + 1)], l.Row(j)[..(j + 1)]) - a[i, j];
                error += weight * difference * difference;
                norm += weight * a[i, j] * a[i, j];
            }
        }

        Assert.InRange(Math.Sqrt(error / norm), 0, 1e-14 * n);
    }

    [Fact]
    public void Factoring_a_known_matrix()
    {
        double[][] rows = [[4, 12, -16], [12, 37, -43], [-16, -43, 98]];
        var l = new Matrix(3, 3);
        for (var i = 0; i < 3; i++)
        {
            rows[i].CopyTo(l.Row(i));
        }

        Assert.True(DenseKernels.TryFactor(l, 0, 3, MinPivot));

        Assert.Equal([2, 6, 1, -8, 5, 3], [l[0, 0], l[1, 0], l[1, 1], l[2, 0], l[2, 1], l[2, 2]]);
    }

    [Fact]
    public void Factoring_leaves_the_upper_triangle_and_the_other_rows_alone()
    {
        const int N = 300;
        var a = Matrices.PositiveDefinite(N, seed: 3);
        var expected = Matrices.Copy(a);
        for (var i = 0; i < N; i++)
        {
            a.Row(i)[(i + 1)..].Fill(double.NaN);
        }

        a.Row(N - 1).Fill(double.NaN);
        Assert.True(DenseKernels.TryFactor(a, 0, N - 1, MinPivot));

        Assert.True(DenseKernels.TryFactor(expected, 0, N - 1, MinPivot));
        Assert.Equal(Matrices.LowerBits(expected, N - 1), Matrices.LowerBits(a, N - 1));
        Assert.All(Enumerable.Range(0, N - 1), i => Assert.DoesNotContain(a.Row(i)[(i + 1)..].ToArray(), double.IsFinite));
        Assert.DoesNotContain(a.Row(N - 1).ToArray(), double.IsFinite);
    }

    [Theory]
    [InlineData(1, 500)]
    [InlineData(239, 500)]
    [InlineData(240, 500)]
    [InlineData(250, 257)]
    [InlineData(481, 500)]
    public void Rows_that_two_matrices_share_have_factors_of_the_same_bits(int few, int many)
    {
        var (small, large) = (Matrices.PositiveDefinite(many, seed: 4), Matrices.PositiveDefinite(many, seed: 4));

        Assert.True(DenseKernels.TryFactor(small, 0, few, MinPivot));
        Assert.True(DenseKernels.TryFactor(large, 0, many, MinPivot));

        Assert.Equal(Matrices.LowerBits(large, few), Matrices.LowerBits(small, few));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(19)]
    [InlineData(100)]
    public void Appending_rows_gives_the_bits_of_factoring_all_at_once(int step)
    {
        const int N = 300;
        var (appended, whole) = (Matrices.PositiveDefinite(N, seed: 5), Matrices.PositiveDefinite(N, seed: 5));

        for (var start = 0; start < N; start += step)
        {
            Assert.True(DenseKernels.TryFactor(appended, start, Math.Min(start + step, N), MinPivot));
        }

        Assert.True(DenseKernels.TryFactor(whole, 0, N, MinPivot));
        Assert.Equal(Matrices.LowerBits(whole, N), Matrices.LowerBits(appended, N));
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 2)]
    [InlineData(100, 37)]
    [InlineData(300, 299)]
    public void A_matrix_that_is_not_positive_definite_is_refused(int n, int place)
    {
        var a = Matrices.PositiveDefinite(n, seed: 6);
        a[place, place] = -1;

        Assert.False(DenseKernels.TryFactor(a, 0, n, MinPivot));
    }

    [Fact]
    public void A_pivot_that_is_not_above_the_least_is_refused()
    {
        var a = new Matrix(2, 2);

        Assert.False(TryFactor(diagonal: 1e-10, minPivot: 1e-10));
        Assert.True(TryFactor(diagonal: 1.1e-10, minPivot: 1e-10));

        bool TryFactor(double diagonal, double minPivot)
        {
            (a[0, 0], a[1, 0], a[1, 1]) = (1, 0, diagonal);
            return DenseKernels.TryFactor(a, 0, 2, minPivot);
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void An_element_that_is_not_finite_is_refused_wherever_it_stands(double element)
    {
        foreach (var (i, j) in ((int, int)[])[(0, 0), (1, 0), (30, 29), (99, 0), (99, 50), (99, 99)])
        {
            var a = Matrices.PositiveDefinite(100, seed: 7);
            a[i, j] = element;

            Assert.False(DenseKernels.TryFactor(a, 0, 100, MinPivot));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Triangular_systems_are_solved(int n)
    {
        var l = Factor(n);
        var expected = Matrices.Random(n, seed: 8);
        var (lower, transposed) = (new double[n], new double[n]);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                lower[i] += l[i, j] * expected[j];
                transposed[j] += l[i, j] * expected[i];
            }
        }

        DenseKernels.SolveLower(l, n, lower);
        DenseKernels.SolveLowerTransposed(l, n, transposed);

        AssertClose(expected, lower, 1e-13 * n);
        AssertClose(expected, transposed, 1e-13 * n);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 2)]
    [InlineData(100, 7)]
    [InlineData(257, 24)]
    public void Many_triangular_systems_are_solved_at_once(int n, int count)
    {
        var l = Factor(n);
        var right = Matrices.Random(count, n + 3, seed: 9);
        var solved = Matrices.Copy(right);

        DenseKernels.SolveLowerRows(l, n, solved, 0, count);

        for (var i = 0; i < count; i++)
        {
            var expected = right.Row(i)[..n].ToArray();
            DenseKernels.SolveLower(l, n, expected);
            AssertClose(expected, solved.Row(i)[..n], 1e-13 * n);
            Assert.Equal(right.Row(i)[n..].ToArray(), solved.Row(i)[n..].ToArray());
        }
    }

    [Fact]
    public void A_solved_row_has_the_same_bits_whichever_rows_are_beside_it()
    {
        const int N = 257;
        var l = Factor(N);
        var (together, alone) = (Matrices.Random(11, N, seed: 10), Matrices.Random(11, N, seed: 10));

        DenseKernels.SolveLowerRows(l, N, together, 0, 11);
        for (var i = 0; i < 11; i++)
        {
            DenseKernels.SolveLowerRows(l, N, alone, i, i + 1);
            Assert.Equal(Matrices.Bits(together.Row(i)), Matrices.Bits(alone.Row(i)));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void An_inverse_times_its_matrix_is_the_identity(int n)
    {
        var a = Matrices.PositiveDefinite(n, seed: n);
        var inverse = new Matrix(0, 0);

        DenseKernels.Invert(Factor(n), n, inverse);

        Assert.Equal((n, n), (inverse.Rows, inverse.Columns));
        for (var i = 0; i < n; i += 1 + (n / 50))
        {
            for (var j = 0; j < n; j++)
            {
                Assert.Equal(i == j ? 1 : 0, Matrices.Dot(a.Row(i), inverse.Row(j)), 1e-12 * n);
                Assert.Equal(inverse[i, j], inverse[j, i]);
            }
        }
    }

    [Fact]
    public void An_inverse_takes_the_leading_rows_of_a_larger_matrix()
    {
        var l = Factor(100);
        var (few, all) = (new Matrix(300, 300), new Matrix(0, 0));
        var cut = new Matrix(70, 70);
        for (var i = 0; i < 70; i++)
        {
            l.Row(i)[..(i + 1)].CopyTo(cut.Row(i));
        }

        DenseKernels.Invert(l, 70, few);
        DenseKernels.Invert(cut, 70, all);

        Assert.Equal(Matrices.LowerBits(all, 70), Matrices.LowerBits(few, 70));
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 3, 5)]
    [InlineData(3, 4, 16)]
    [InlineData(7, 9, 1)]
    [InlineData(13, 61, 243)]
    [InlineData(24, 125, 481)]
    public void Products_equal_the_plain_sums(int rowsA, int rowsB, int depth)
    {
        var a = Matrices.Random(rowsA + 2, depth + 3, seed: 11);
        var b = Matrices.Random(rowsB + 1, depth + 9, seed: 12);
        var c = new Matrix(rowsA + 1, rowsB + 1);
        c.Row(rowsA).Fill(99);

        DenseKernels.MultiplyTransposed(a, rowsA, b, rowsB, depth, c);

        for (var i = 0; i < rowsA; i++)
        {
            for (var j = 0; j < rowsB; j++)
            {
                Assert.Equal(Matrices.Dot(a.Row(i)[..depth], b.Row(j)[..depth]), c[i, j], 1e-15 * (depth + 1));
            }
        }

        Assert.All(c.Row(rowsA).ToArray(), static untouched => Assert.Equal(99, untouched));
    }

    [Fact]
    public void Products_do_not_look_beyond_their_depth()
    {
        const int Depth = 5;
        var (a, b) = (Matrices.Random(4, 8, seed: 13), Matrices.Random(6, 8, seed: 14));
        var (clean, marked) = (new Matrix(4, 6), new Matrix(4, 6));
        DenseKernels.MultiplyTransposed(a, 4, b, 6, Depth, clean);
        for (var i = 0; i < 4; i++)
        {
            a.Row(i)[Depth..].Fill(double.NaN);
            b.Row(i)[Depth..].Fill(double.PositiveInfinity);
        }

        DenseKernels.MultiplyTransposed(a, 4, b, 6, Depth, marked);

        Assert.All(
            Enumerable.Range(0, 4), i => Assert.Equal(Matrices.Bits(clean.Row(i)), Matrices.Bits(marked.Row(i))));
    }

    [Fact]
    public void A_row_of_a_product_has_the_same_bits_wherever_it_stands()
    {
        const int Depth = 333;
        var (a, b) = (Matrices.Random(10, Depth, seed: 15), Matrices.Random(70, Depth, seed: 16));
        var (together, alone, transposed) = (new Matrix(10, 70), new Matrix(1, 70), new Matrix(70, 10));
        var row = new Matrix(1, Depth);

        DenseKernels.MultiplyTransposed(a, 10, b, 70, Depth, together);
        DenseKernels.MultiplyTransposed(b, 70, a, 10, Depth, transposed);

        for (var i = 0; i < 10; i++)
        {
            a.Row(i).CopyTo(row.Row(0));
            DenseKernels.MultiplyTransposed(row, 1, b, 70, Depth, alone);
            Assert.Equal(Matrices.Bits(together.Row(i)), Matrices.Bits(alone.Row(0)));
            Assert.All(Enumerable.Range(0, 70), j => Assert.Equal(together[i, j], transposed[j, i]));
        }
    }

    [Fact]
    public void Matrices_that_are_too_small_are_refused()
    {
        var (small, large) = (new Matrix(3, 3), new Matrix(4, 4));

        Assert.Throws<ArgumentOutOfRangeException>(() => DenseKernels.TryFactor(small, 0, 4, MinPivot));
        Assert.Throws<ArgumentOutOfRangeException>(() => DenseKernels.Invert(small, 4, large));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => DenseKernels.MultiplyTransposed(large, 4, large, 4, 4, small));
    }

    [Fact]
    public void The_exponential_is_within_four_units_in_the_last_place()
    {
        var x = new double[100_003];
        new Philox(17).Fill(0, x);
        for (var i = 0; i < x.Length; i++)
        {
            // Half of them over the whole range, the others near 0 on a log scale.
            x[i] = i % 2 is 0 ? -745 * x[i] : -Math.Pow(10, (20 * x[i]) - 18);
        }

        var result = new double[x.Length];
        DenseKernels.Exp(x, result);

        for (var i = 0; i < x.Length; i++)
        {
            var (expected, actual) = (BitConverter.DoubleToInt64Bits(Math.Exp(x[i])), BitConverter.DoubleToInt64Bits(result[i]));
            Assert.True(Math.Abs(expected - actual) <= 4, $"exp({x[i]:R}) = {result[i]:R}");
        }
    }

    [Fact]
    public void The_exponential_of_special_values()
    {
        double[] x = [0, -0.0, double.NegativeInfinity, double.MinValue, -745, -746, -1e-300, -708.5, double.NaN];

        var result = new double[x.Length];
        DenseKernels.Exp(x, result);

        Assert.Equal([1, 1, 0, 0, double.Epsilon, 0, 1, Math.Exp(-708.5), double.NaN], result);
    }

    [Fact]
    public void An_exponential_does_not_depend_on_its_place_and_may_be_taken_in_place()
    {
        var x = Matrices.Random(23, seed: 18);
        foreach (ref var element in x.AsSpan())
        {
            element = -Math.Abs(element) * 30;
        }

        var whole = new double[23];
        DenseKernels.Exp(x, whole);

        for (var from = 0; from < 23; from++)
        {
            var rest = x[from..];
            DenseKernels.Exp(rest, rest);
            Assert.Equal(Matrices.Bits(whole.AsSpan(from)), Matrices.Bits(rest));
        }
    }

    private static Matrix Factor(int n)
    {
        var l = Matrices.PositiveDefinite(n, seed: n);
        Assert.True(DenseKernels.TryFactor(l, 0, n, MinPivot));
        return l;
    }

    private static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], tolerance);
        }
    }
}
