using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Katib.Algorithms.Numerics;

/// <summary>Linear algebra on small dense matrices: blocked, vectorised, and without allocation.</summary>
/// <remarks>
/// <para>Every sum has an order that depends on the places of its terms alone: products are added lane by lane along a
/// row, over column blocks at fixed places, each block being reduced once. So a row's result does not depend on the
/// other rows: appending rows to a factor gives the same bits as factoring all of them at once.</para>
/// <para>The register tile of 3 x 4 dot products and the two levels of blocking follow K. Goto and R. van de Geijn,
/// "Anatomy of high-performance matrix multiplication", ACM TOMS 34, 2008, without packing.</para>
/// </remarks>
internal static class DenseKernels
{
    /// <summary>Columns that are factored or substituted at once.</summary>
    private const int Leaf = 16;

    /// <summary>Products that are summed before a reduction; a multiple of <see cref="Leaf"/>.</summary>
    private const int Depth = 240;

    /// <summary>Rows of the right factor that stay in the cache; a multiple of 4.</summary>
    private const int Width = 60;

    /// <summary>Rows of an inverse that are solved at once; a multiple of <see cref="Leaf"/> and of 3.</summary>
    private const int InverseRows = 48;

    /// <summary>Rows of an inverse that are multiplied at once; divides <see cref="InverseRows"/>.</summary>
    private const int InverseBlock = 24;

    /// <summary>The sum of the products of two vectors of one length.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(a.Length, b.Length);
        ref var x = ref MemoryMarshal.GetReference(a);
        ref var y = ref MemoryMarshal.GetReference(b);
        var lanes = Vector<double>.Count;
        var (s0, s1, s2, s3) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        var k = 0;
        for (; k <= a.Length - (4 * lanes); k += 4 * lanes)
        {
            s0 = Vector.FusedMultiplyAdd(Load(ref x, k), Load(ref y, k), s0);
            s1 = Vector.FusedMultiplyAdd(Load(ref x, k + lanes), Load(ref y, k + lanes), s1);
            s2 = Vector.FusedMultiplyAdd(Load(ref x, k + (2 * lanes)), Load(ref y, k + (2 * lanes)), s2);
            s3 = Vector.FusedMultiplyAdd(Load(ref x, k + (3 * lanes)), Load(ref y, k + (3 * lanes)), s3);
        }

        for (; k <= a.Length - lanes; k += lanes)
        {
            s0 = Vector.FusedMultiplyAdd(Load(ref x, k), Load(ref y, k), s0);
        }

        var sum = Reduce(s0 + s1 + (s2 + s3));
        for (; k < a.Length; k++)
        {
            sum = Math.FusedMultiplyAdd(a[k], b[k], sum);
        }

        return sum;
    }

    /// <summary>
    /// Replaces the lower triangle of the leading <paramref name="end"/> rows of a symmetric matrix by its Cholesky
    /// factor L, A = L L'. The rows before <paramref name="start"/> hold their part of L already.
    /// </summary>
    /// <returns>
    /// False when a pivot is not finite or not above <paramref name="minPivot"/>; the rows from
    /// <paramref name="start"/> on are undefined then.
    /// </returns>
    /// <remarks>
    /// Touches the lower triangle only. Appending rows gives the same bits as factoring all rows at once.
    /// </remarks>
    public static bool TryFactor(Matrix a, int start, int end, double minPivot)
    {
        ThrowIfSmaller(a, end, end);
        Span<double> leaf = stackalloc double[(Leaf + 1) * Leaf];
        for (var k = 0; k < end; k += Depth)
        {
            var next = Math.Min(k + Depth, end);
            for (var c = k; c < next; c += Leaf)
            {
                var width = Math.Min(Leaf, next - c);
                AddProducts(a, a, a, -1, (Math.Max(start, c), end), (c, c + width), (k, c), isLower: true);
                if (!TryFactorLeaf(a, start, c, width, minPivot, leaf))
                {
                    return false;
                }

                Substitute(a, Math.Max(start, c + width), end, c, width, leaf);
            }

            AddProducts(a, a, a, -1, (Math.Max(start, next), end), (next, end), (k, next), isLower: true);
        }

        return true;
    }

    /// <summary>Solves L x = b for a lower triangle of <paramref name="n"/> rows; b comes in x.</summary>
    public static void SolveLower(Matrix l, int n, Span<double> x)
    {
        ThrowIfSmaller(l, n, n);
        for (var i = 0; i < n; i++)
        {
            var row = l.Row(i);
            x[i] = (x[i] - Dot(row[..i], x[..i])) / row[i];
        }
    }

    /// <summary>Solves L' x = b for a lower triangle of <paramref name="n"/> rows; b comes in x.</summary>
    public static void SolveLowerTransposed(Matrix l, int n, Span<double> x)
    {
        ThrowIfSmaller(l, n, n);
        for (var i = n - 1; i >= 0; i--)
        {
            var row = l.Row(i);
            x[i] /= row[i];
            AddScaled(-x[i], row[..i], x[..i]);
        }
    }

    /// <summary>
    /// Solves L x = b for many b at once: rows of <paramref name="x"/>, which come as b and leave as x.
    /// </summary>
    /// <remarks>The columns before <paramref name="from"/>, a multiple of 16, are taken for zero.</remarks>
    public static void SolveLowerRows(Matrix l, int n, Matrix x, int firstRow, int endRow, int from = 0)
    {
        ThrowIfSmaller(l, n, n);
        ThrowIfSmaller(x, endRow, n);
        Debug.Assert(from % Leaf is 0, "Leaves lie at fixed places.");
        Span<double> leaf = stackalloc double[(Leaf + 1) * Leaf];
        for (var c = from; c < n; c += Leaf)
        {
            var width = Math.Min(Leaf, n - c);
            AddProducts(x, x, l, -1, (firstRow, endRow), (c, c + width), (from, c), isLower: false);
            LoadLeaf(l, c, width, leaf);
            Substitute(x, firstRow, endRow, c, width, leaf);
        }
    }

    /// <summary>
    /// The inverse of L L', both triangles, for a lower triangle of <paramref name="n"/> rows;
    /// <paramref name="inverse"/> is made n x n.
    /// </summary>
    /// <remarks>
    /// T = L^-T is built in the upper triangle and (L L')^-1 = T T' below it, a block of rows at a time.
    /// </remarks>
    public static void Invert(Matrix l, int n, Matrix inverse)
    {
        ThrowIfSmaller(l, n, n);
        inverse.Resize(n, n);
        for (var i = 0; i < n; i += InverseRows)
        {
            var end = Math.Min(i + InverseRows, n);
            for (var row = i; row < end; row++)
            {
                inverse.Row(row).Clear();
                inverse[row, row] = 1;
            }

            SolveLowerRows(l, n, inverse, i, end, from: i);
        }

        Span<double> diagonal = stackalloc double[InverseBlock * InverseBlock];
        for (var i = 0; i < n; i += InverseBlock)
        {
            var end = Math.Min(i + InverseBlock, n);
            AddProducts(inverse, inverse, inverse, 1, (i, end), (0, i), (i, n), isLower: false);

            // The block on the diagonal holds T until all that needs it is done.
            for (var row = i; row < end; row++)
            {
                for (var column = i; column <= row; column++)
                {
                    diagonal[((row - i) * InverseBlock) + column - i] =
                        Dot(inverse.Row(row)[i..], inverse.Row(column)[i..]);
                }
            }

            for (var row = i; row < end; row++)
            {
                diagonal.Slice((row - i) * InverseBlock, row - i + 1).CopyTo(inverse.Row(row)[i..]);
            }
        }

        CopyLowerToUpper(inverse, n);
    }

    /// <summary>
    /// C = A B': c[i,j] = sum over k below <paramref name="depth"/> of a[i,k] b[j,k], for the leading rows of A and B.
    /// </summary>
    /// <remarks>A row of C has the same bits wherever it stands and however many rows there are.</remarks>
    public static void MultiplyTransposed(Matrix a, int rowsA, Matrix b, int rowsB, int depth, Matrix c)
    {
        ThrowIfSmaller(a, rowsA, depth);
        ThrowIfSmaller(b, rowsB, depth);
        ThrowIfSmaller(c, rowsA, rowsB);
        for (var i = 0; i < rowsA; i++)
        {
            c.Row(i)[..rowsB].Clear();
        }

        AddProducts(c, a, b, 1, (0, rowsA), (0, rowsB), (0, depth), isLower: false);
    }

    /// <summary>e^x for every x, none of which is positive; in place where both spans are one.</summary>
    /// <remarks>Within 1 ulp, 0 below -745.2; a value does not depend on its place.</remarks>
    public static void Exp(ReadOnlySpan<double> x, Span<double> result)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(result.Length, x.Length);
        ref var source = ref MemoryMarshal.GetReference(x);
        ref var target = ref MemoryMarshal.GetReference(result);
        var lanes = Vector<double>.Count;
        var i = 0;
        for (; i <= x.Length - lanes; i += lanes)
        {
            Exp(Load(ref source, i)).StoreUnsafe(ref target, (nuint)i);
        }

        if (i < x.Length)
        {
            Span<double> rest = stackalloc double[lanes];
            rest.Clear();
            x[i..].CopyTo(rest);
            Exp(new Vector<double>(rest)).CopyTo(rest);
            rest[..(x.Length - i)].CopyTo(result[i..]);
        }
    }

    /// <summary>
    /// e^x = 2^n e^r with n the whole number next to x / ln 2, and e^r, |r| below 0.35, by its Taylor series.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<double> Exp(Vector<double> x)
    {
        // ln 2 in two parts; the first has trailing zeros, so that its product with n is exact.
        const double Ln2High = 0.693147180369123816490;
        const double Ln2Low = 1.90821492927058770002e-10;
        const double Log2E = 1.44269504088896340736;

        // Adding it rounds to a whole number, which then stands in the low bits.
        const double Shift = 6755399441055744;
        var shift = new Vector<double>(Shift);
        x = Vector.Max(x, new(-746));
        var shifted = Vector.FusedMultiplyAdd(x, new(Log2E), shift);
        var n = shifted - shift;
        var r = Vector.FusedMultiplyAdd(n, new(-Ln2High), x);
        r = Vector.FusedMultiplyAdd(n, new(-Ln2Low), r);

        var p = new Vector<double>(1 / 6227020800.0);
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 479001600.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 39916800.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 3628800.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 362880.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 40320.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 5040.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 720.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 120.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 24.0));
        p = Vector.FusedMultiplyAdd(p, r, new(1 / 6.0));
        p = Vector.FusedMultiplyAdd(p, r, new(0.5));
        p = Vector.FusedMultiplyAdd(p, r, Vector<double>.One);
        p = Vector.FusedMultiplyAdd(p, r, Vector<double>.One);

        // 2^n by two factors, as the result may be subnormal: only the last product rounds.
        var half = Vector.FusedMultiplyAdd(n, new(0.5), shift);
        var first = Vector.AsVectorInt64(half) - Vector.AsVectorInt64(shift);
        var second = Vector.AsVectorInt64(shifted) - Vector.AsVectorInt64(shift) - first;
        var bias = new Vector<long>(1023);
        return p * Vector.AsVectorDouble((first + bias) << 52) * Vector.AsVectorDouble((second + bias) << 52);
    }

    /// <summary>y += s x.</summary>
    private static void AddScaled(double s, ReadOnlySpan<double> x, Span<double> y)
    {
        ref var source = ref MemoryMarshal.GetReference(x);
        ref var target = ref MemoryMarshal.GetReference(y);
        var factor = new Vector<double>(s);
        var k = 0;
        for (; k <= x.Length - Vector<double>.Count; k += Vector<double>.Count)
        {
            Vector.FusedMultiplyAdd(factor, Load(ref source, k), Load(ref target, k)).StoreUnsafe(ref target, (nuint)k);
        }

        for (; k < x.Length; k++)
        {
            y[k] = Math.FusedMultiplyAdd(s, x[k], y[k]);
        }
    }

    /// <summary>
    /// Factors the block on the diagonal from column <paramref name="c"/> on and leaves it in <paramref name="leaf"/>.
    /// </summary>
    private static bool TryFactorLeaf(Matrix a, int start, int c, int width, double minPivot, Span<double> leaf)
    {
        leaf.Clear();
        var reciprocals = leaf[(Leaf * Leaf)..];
        for (var i = 0; i < width; i++)
        {
            var row = a.Row(c + i).Slice(c, i + 1);
            if (c + i >= start)
            {
                for (var j = 0; j < i; j++)
                {
                    var x = row[j] * reciprocals[j];
                    row[j] = x;
                    var column = leaf.Slice(j * Leaf, Leaf);
                    for (var t = j + 1; t < i; t++)
                    {
                        row[t] = Math.FusedMultiplyAdd(-x, column[t], row[t]);
                    }

                    row[i] = Math.FusedMultiplyAdd(-x, x, row[i]);
                }

                if (!(row[i] > minPivot && double.IsFinite(row[i])))
                {
                    return false;
                }

                row[i] = Math.Sqrt(row[i]);
            }

            reciprocals[i] = 1 / row[i];
            for (var j = 0; j < i; j++)
            {
                leaf[(j * Leaf) + i] = row[j];
            }
        }

        return true;
    }

    /// <summary>
    /// The block of L on the diagonal from column <paramref name="c"/> on: its columns as rows, without the diagonal,
    /// then the reciprocals of the diagonal.
    /// </summary>
    private static void LoadLeaf(Matrix l, int c, int width, Span<double> leaf)
    {
        leaf.Clear();
        for (var i = 0; i < width; i++)
        {
            var row = l.Row(c + i).Slice(c, i + 1);
            leaf[(Leaf * Leaf) + i] = 1 / row[i];
            for (var j = 0; j < i; j++)
            {
                leaf[(j * Leaf) + i] = row[j];
            }
        }
    }

    /// <summary>Solves L x = b within one leaf, for rows of <paramref name="x"/>.</summary>
    private static void Substitute(Matrix x, int firstRow, int endRow, int c, int width, ReadOnlySpan<double> leaf)
    {
        const int Rows = 4;
        Span<double> rows = stackalloc double[Rows * Leaf];
        rows.Clear();
        ref var r = ref MemoryMarshal.GetReference(rows);
        ref var block = ref MemoryMarshal.GetReference(leaf);
        for (var i = firstRow; i < endRow; i += Rows)
        {
            var count = Math.Min(Rows, endRow - i);
            for (var q = 0; q < count; q++)
            {
                x.Row(i + q).Slice(c, width).CopyTo(rows[(q * Leaf)..]);
            }

            for (var j = 0; j < width; j++)
            {
                var reciprocal = Unsafe.Add(ref block, (Leaf * Leaf) + j);
                var x0 = Unsafe.Add(ref r, j) * reciprocal;
                var x1 = Unsafe.Add(ref r, Leaf + j) * reciprocal;
                var x2 = Unsafe.Add(ref r, (2 * Leaf) + j) * reciprocal;
                var x3 = Unsafe.Add(ref r, (3 * Leaf) + j) * reciprocal;
                var (v0, v1, v2, v3) =
                    (new Vector<double>(-x0), new Vector<double>(-x1), new Vector<double>(-x2), new Vector<double>(-x3));
                for (var t = j / Vector<double>.Count * Vector<double>.Count; t < Leaf; t += Vector<double>.Count)
                {
                    var column = Load(ref block, (j * Leaf) + t);
                    Step(ref r, t, v0, column);
                    Step(ref r, Leaf + t, v1, column);
                    Step(ref r, (2 * Leaf) + t, v2, column);
                    Step(ref r, (3 * Leaf) + t, v3, column);
                }

                Unsafe.Add(ref r, j) = x0;
                Unsafe.Add(ref r, Leaf + j) = x1;
                Unsafe.Add(ref r, (2 * Leaf) + j) = x2;
                Unsafe.Add(ref r, (3 * Leaf) + j) = x3;
            }

            for (var q = 0; q < count; q++)
            {
                rows.Slice(q * Leaf, width).CopyTo(x.Row(i + q)[c..]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Step(ref double r, int at, Vector<double> factor, Vector<double> column) =>
            Vector.FusedMultiplyAdd(factor, column, Load(ref r, at)).StoreUnsafe(ref r, (nuint)at);
    }

    /// <summary>
    /// c[i,j] += sign * sum over k of a[i,k] b[j,k] for ranges of i, j and k; where j does not exceed i, if asked.
    /// </summary>
    private static void AddProducts(
        Matrix c,
        Matrix a,
        Matrix b,
        double sign,
        (int From, int To) rows,
        (int From, int To) columns,
        (int From, int To) depth,
        bool isLower)
    {
        Span<double> sums = stackalloc double[12];
        for (var k = depth.From; k < depth.To;)
        {
            var end = Math.Min(((k / Depth) + 1) * Depth, depth.To);
            for (var j = columns.From; j < columns.To; j += Width)
            {
                var last = Math.Min(j + Width, columns.To);
                var i = isLower ? Math.Max(rows.From, j) : rows.From;
                for (; i <= rows.To - 3; i += 3)
                {
                    AddTiles(c, a, b, sign, i, 3, (j, isLower ? Math.Min(last, i + 3) : last), (k, end), isLower, sums);
                }

                for (; i < rows.To; i++)
                {
                    AddTiles(c, a, b, sign, i, 1, (j, isLower ? Math.Min(last, i + 1) : last), (k, end), isLower, sums);
                }
            }

            k = end;
        }
    }

    /// <summary>The same for one or three rows and few columns.</summary>
    private static void AddTiles(
        Matrix c,
        Matrix a,
        Matrix b,
        double sign,
        int i,
        int height,
        (int From, int To) columns,
        (int From, int To) depth,
        bool isLower,
        Span<double> sums)
    {
        var count = depth.To - depth.From;
        ref var left = ref a.At(i, depth.From);
        for (var j = columns.From; j < columns.To; j += 4)
        {
            ref var right = ref b.At(j, depth.From);
            var width = Math.Min(4, columns.To - j);
            if (width < 4)
            {
                for (var p = 0; p < height; p++)
                {
                    for (var q = 0; q < width; q++)
                    {
                        sums[(p * 4) + q] =
                            Tile(ref Unsafe.Add(ref left, p * a.Stride), ref Unsafe.Add(ref right, q * b.Stride), count);
                    }
                }
            }
            else if (height is 3)
            {
                Tile3x4(ref left, a.Stride, ref right, b.Stride, count, ref MemoryMarshal.GetReference(sums));
            }
            else
            {
                Tile1x4(ref left, ref right, b.Stride, count, ref MemoryMarshal.GetReference(sums));
            }

            for (var p = 0; p < height; p++)
            {
                ref var target = ref c.At(i + p, j);
                var written = isLower ? Math.Min(width, i + p - j + 1) : width;
                for (var q = 0; q < written; q++)
                {
                    Unsafe.Add(ref target, q) += sign * sums[(p * 4) + q];
                }
            }
        }
    }

    private static void Tile3x4(
        ref double a0, nint strideA, ref double b0, nint strideB, int count, ref double sums)
    {
        ref var a1 = ref Unsafe.Add(ref a0, strideA);
        ref var a2 = ref Unsafe.Add(ref a1, strideA);
        ref var b1 = ref Unsafe.Add(ref b0, strideB);
        ref var b2 = ref Unsafe.Add(ref b1, strideB);
        ref var b3 = ref Unsafe.Add(ref b2, strideB);
        var (s00, s01, s02, s03) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        var (s10, s11, s12, s13) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        var (s20, s21, s22, s23) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        var whole = count / Vector<double>.Count * Vector<double>.Count;
        for (var k = 0; k < whole; k += Vector<double>.Count)
        {
            var (x0, x1, x2) = (Load(ref a0, k), Load(ref a1, k), Load(ref a2, k));
            var y = Load(ref b0, k);
            s00 = Vector.FusedMultiplyAdd(x0, y, s00);
            s10 = Vector.FusedMultiplyAdd(x1, y, s10);
            s20 = Vector.FusedMultiplyAdd(x2, y, s20);
            y = Load(ref b1, k);
            s01 = Vector.FusedMultiplyAdd(x0, y, s01);
            s11 = Vector.FusedMultiplyAdd(x1, y, s11);
            s21 = Vector.FusedMultiplyAdd(x2, y, s21);
            y = Load(ref b2, k);
            s02 = Vector.FusedMultiplyAdd(x0, y, s02);
            s12 = Vector.FusedMultiplyAdd(x1, y, s12);
            s22 = Vector.FusedMultiplyAdd(x2, y, s22);
            y = Load(ref b3, k);
            s03 = Vector.FusedMultiplyAdd(x0, y, s03);
            s13 = Vector.FusedMultiplyAdd(x1, y, s13);
            s23 = Vector.FusedMultiplyAdd(x2, y, s23);
        }

        if (whole < count)
        {
            var (x0, x1, x2) = (Load(ref a0, whole, count), Load(ref a1, whole, count), Load(ref a2, whole, count));
            var y = Load(ref b0, whole, count);
            s00 = Vector.FusedMultiplyAdd(x0, y, s00);
            s10 = Vector.FusedMultiplyAdd(x1, y, s10);
            s20 = Vector.FusedMultiplyAdd(x2, y, s20);
            y = Load(ref b1, whole, count);
            s01 = Vector.FusedMultiplyAdd(x0, y, s01);
            s11 = Vector.FusedMultiplyAdd(x1, y, s11);
            s21 = Vector.FusedMultiplyAdd(x2, y, s21);
            y = Load(ref b2, whole, count);
            s02 = Vector.FusedMultiplyAdd(x0, y, s02);
            s12 = Vector.FusedMultiplyAdd(x1, y, s12);
            s22 = Vector.FusedMultiplyAdd(x2, y, s22);
            y = Load(ref b3, whole, count);
            s03 = Vector.FusedMultiplyAdd(x0, y, s03);
            s13 = Vector.FusedMultiplyAdd(x1, y, s13);
            s23 = Vector.FusedMultiplyAdd(x2, y, s23);
        }

        Reduce(s00, s01, s02, s03, ref sums);
        Reduce(s10, s11, s12, s13, ref Unsafe.Add(ref sums, 4));
        Reduce(s20, s21, s22, s23, ref Unsafe.Add(ref sums, 8));
    }

    private static void Tile1x4(ref double a, ref double b0, nint strideB, int count, ref double sums)
    {
        ref var b1 = ref Unsafe.Add(ref b0, strideB);
        ref var b2 = ref Unsafe.Add(ref b1, strideB);
        ref var b3 = ref Unsafe.Add(ref b2, strideB);
        var (s0, s1, s2, s3) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        var whole = count / Vector<double>.Count * Vector<double>.Count;
        for (var k = 0; k < whole; k += Vector<double>.Count)
        {
            var x = Load(ref a, k);
            s0 = Vector.FusedMultiplyAdd(x, Load(ref b0, k), s0);
            s1 = Vector.FusedMultiplyAdd(x, Load(ref b1, k), s1);
            s2 = Vector.FusedMultiplyAdd(x, Load(ref b2, k), s2);
            s3 = Vector.FusedMultiplyAdd(x, Load(ref b3, k), s3);
        }

        if (whole < count)
        {
            var x = Load(ref a, whole, count);
            s0 = Vector.FusedMultiplyAdd(x, Load(ref b0, whole, count), s0);
            s1 = Vector.FusedMultiplyAdd(x, Load(ref b1, whole, count), s1);
            s2 = Vector.FusedMultiplyAdd(x, Load(ref b2, whole, count), s2);
            s3 = Vector.FusedMultiplyAdd(x, Load(ref b3, whole, count), s3);
        }

        Reduce(s0, s1, s2, s3, ref sums);
    }

    private static double Tile(ref double a, ref double b, int count)
    {
        var s = Vector<double>.Zero;
        var whole = count / Vector<double>.Count * Vector<double>.Count;
        for (var k = 0; k < whole; k += Vector<double>.Count)
        {
            s = Vector.FusedMultiplyAdd(Load(ref a, k), Load(ref b, k), s);
        }

        return Reduce(whole < count
            ? Vector.FusedMultiplyAdd(Load(ref a, whole, count), Load(ref b, whole, count), s)
            : s);
    }

    private static void CopyLowerToUpper(Matrix a, int n)
    {
        for (var i = 0; i < n; i += Leaf)
        {
            for (var j = 0; j <= i; j += Leaf)
            {
                for (var row = i; row < Math.Min(i + Leaf, n); row++)
                {
                    for (var column = j; column < Math.Min(j + Leaf, row); column++)
                    {
                        a.At(column, row) = a.At(row, column);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> Load(ref double start, int at) => Vector.LoadUnsafe(ref start, (nuint)at);

    /// <summary>A vector of which the lanes from <paramref name="count"/> on are zero; a row's padding is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> Load(ref double start, int at, int count)
    {
        var isInside = Vector.LessThan(Vector<long>.Indices, new Vector<long>(count - at));
        return Vector.ConditionalSelect(isInside, Load(ref start, at), Vector<double>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce(
        Vector<double> s0, Vector<double> s1, Vector<double> s2, Vector<double> s3, ref double sums)
    {
        sums = Reduce(s0);
        Unsafe.Add(ref sums, 1) = Reduce(s1);
        Unsafe.Add(ref sums, 2) = Reduce(s2);
        Unsafe.Add(ref sums, 3) = Reduce(s3);
    }

    /// <summary>The sum of the lanes, halves first: one order on every machine of the same vector length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Reduce(Vector<double> s)
    {
        if (Vector<double>.Count is 4)
        {
            var pairs = s.AsVector256().GetLower() + s.AsVector256().GetUpper();
            return pairs.GetElement(0) + pairs.GetElement(1);
        }

        if (Vector<double>.Count is 2)
        {
            return s.AsVector128().GetElement(0) + s.AsVector128().GetElement(1);
        }

        var sum = 0.0;
        for (var i = 0; i < Vector<double>.Count; i++)
        {
            sum += s[i];
        }

        return sum;
    }

    private static void ThrowIfSmaller(Matrix matrix, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(matrix.Rows, rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(matrix.Columns, columns);
    }
}
