using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Tests.Numerics;

/// <summary>Matrices for tests, and the plain ways to compute what the kernels compute fast.</summary>
internal static class Matrices
{
    /// <summary>Elements even in [-1, 1).</summary>
    public static Matrix Random(int rows, int columns, int seed)
    {
        var matrix = new Matrix(rows, columns);
        var philox = new Philox((ulong)seed);
        for (var i = 0; i < rows; i++)
        {
            philox.Fill((ulong)i, matrix.Row(i));
            foreach (ref var element in matrix.Row(i))
            {
                element = (2 * element) - 1;
            }
        }

        return matrix;
    }

    /// <summary>A symmetric positive definite matrix: X X' / 30 + 0.1 I, with X of 30 columns.</summary>
    public static Matrix PositiveDefinite(int n, int seed)
    {
        var x = Random(n, 30, seed);
        var a = new Matrix(n, n);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                a[i, j] = a[j, i] = (Dot(x.Row(i), x.Row(j)) / 30) + (i == j ? 0.1 : 0);
            }
        }

        return a;
    }

    public static Matrix Copy(Matrix matrix)
    {
        var copy = new Matrix(matrix.Rows, matrix.Columns);
        for (var i = 0; i < matrix.Rows; i++)
        {
            matrix.Row(i).CopyTo(copy.Row(i));
        }

        return copy;
    }

    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        for (var k = 0; k < a.Length; k++)
        {
            sum += a[k] * b[k];
        }

        return sum;
    }

    public static double[] Random(int length, int seed) => Random(1, length, seed).Row(0).ToArray();

    /// <summary>The bits of the lower triangle's leading rows.</summary>
    public static long[] LowerBits(Matrix matrix, int rows) =>
        [.. Enumerable.Range(0, rows).SelectMany(i => Bits(matrix.Row(i)[..(i + 1)]))];

    public static long[] Bits(ReadOnlySpan<double> values) => Array.ConvertAll(values.ToArray(), BitConverter.DoubleToInt64Bits);
}
