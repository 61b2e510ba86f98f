using System.Numerics;

namespace Katib.Algorithms.Numerics;

/// <summary>
/// A Sobol sequence in the unit cube, in Gray code order: points that fill it more evenly than random ones. Any point
/// is computed from its index alone.
/// </summary>
/// <remarks>
/// <para>Antonov and Saleev's order with the direction numbers of Joe and Kuo, at 52 bits. Scrambling is a random lower
/// triangular matrix for each dimension and a digital shift (J. Matousek, "On the L2-discrepancy for anchored boxes",
/// J. Complexity 14, 1998): each point is even in the cube, and nets stay nets.</para>
/// <para>From dimension 257 on, which the table does not reach, coordinates are independent random numbers of the same
/// key.</para>
/// </remarks>
internal sealed class SobolSequence
{
    private const int Bits = 52;

    /// <summary>Counters that draws and permutations of the same key do not use.</summary>
    private const ulong Domain = 1UL << 62;

    private readonly ulong[] _directions;
    private readonly ulong[] _shifts;
    private readonly Philox _philox;
    private readonly double _offset;

    /// <param name="dimensions">How many coordinates a point has.</param>
    /// <param name="scramble">The key of the scrambling; null leaves the sequence as it is.</param>
    public SobolSequence(int dimensions, ulong? scramble)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dimensions);
        Dimensions = dimensions;
        var tabled = Math.Min(dimensions, JoeKuoNumbers.Dimensions);
        _directions = new ulong[tabled * Bits];
        _shifts = new ulong[tabled];
        _philox = new(scramble ?? 0);
        _offset = scramble is null ? 0 : 0.5;
        FillDirections(tabled);
        if (scramble is not null)
        {
            Scramble(tabled);
        }
    }

    /// <summary>How many coordinates a point has.</summary>
    public int Dimensions { get; }

    /// <summary>
    /// Writes the point with the given index, below 2^52: in (0, 1) when scrambled, otherwise in [0, 1).
    /// </summary>
    public void Fill(long index, Span<double> point)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, 1UL << Bits, nameof(index));
        ArgumentOutOfRangeException.ThrowIfNotEqual(point.Length, Dimensions);
        var gray = (ulong)(index ^ (index >> 1));
        for (var j = 0; j < _shifts.Length; j++)
        {
            var bits = _shifts[j];
            for (var rest = gray; rest is not 0; rest &= rest - 1)
            {
                bits ^= _directions[(j * Bits) + BitOperations.TrailingZeroCount(rest)];
            }

            point[j] = (bits + _offset) / (1UL << Bits);
        }

        for (var j = _shifts.Length; j < point.Length; j++)
        {
            var (bits, _) = _philox.Block((ulong)index, Stream(j));
            point[j] = ((bits >> (64 - Bits)) + 0.5) / (1UL << Bits);
        }
    }

    private static ulong Stream(int dimension) => Domain | (uint)dimension;

    /// <summary>
    /// Direction number k of each dimension: m_k 2^(52-k) for k up to the polynomial's degree, then its recurrence
    /// (Joe and Kuo, 2008, equation 2).
    /// </summary>
    private void FillDirections(int dimensions)
    {
        var table = JoeKuoNumbers.Table;
        for (var j = 0; j < dimensions; j++)
        {
            var v = _directions.AsSpan(j * Bits, Bits);
            if (j is 0)
            {
                for (var k = 0; k < Bits; k++)
                {
                    v[k] = 1UL << (Bits - 1 - k);
                }

                continue;
            }

            var (degree, coefficients) = (table[0], table[1]);
            for (var k = 0; k < degree; k++)
            {
                v[k] = (ulong)table[2 + k] << (Bits - 1 - k);
            }

            for (var k = (int)degree; k < Bits; k++)
            {
                v[k] = v[k - degree] ^ (v[k - degree] >> degree);
                for (var i = 1; i < degree; i++)
                {
                    v[k] ^= ((coefficients >> (degree - 1 - i)) & 1) is 1 ? v[k - i] : 0;
                }
            }

            table = table[(2 + degree)..];
        }
    }

    private void Scramble(int dimensions)
    {
        Span<ulong> columns = stackalloc ulong[Bits];
        for (var j = 0; j < dimensions; j++)
        {
            // Column q of a lower triangular matrix, bit q counted from the highest: 1 on the diagonal, random below.
            for (var q = 0; q < Bits; q++)
            {
                var diagonal = 1UL << (Bits - 1 - q);
                columns[q] = diagonal | (_philox.Block((ulong)q, Stream(j)).First & (diagonal - 1));
            }

            foreach (ref var direction in _directions.AsSpan(j * Bits, Bits))
            {
                var product = 0UL;
                for (var rest = direction; rest is not 0; rest &= rest - 1)
                {
                    product ^= columns[Bits - 1 - BitOperations.TrailingZeroCount(rest)];
                }

                direction = product;
            }

            _shifts[j] = _philox.Block(Bits, Stream(j)).First & ((1UL << Bits) - 1);
        }
    }
}
