using System.Numerics;

namespace Katib.Algorithms.Sequences;

/// <summary>A seeded permutation of the numbers 0 to size - 1 that is computed one number at a time.</summary>
/// <remarks>
/// A balanced Feistel network over the next power of four, walked until the result lies in range: J. Black and
/// P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002. Its round function is Philox.
/// </remarks>
internal sealed class Permutation
{
    private const int Rounds = 8;

    /// <summary>Counters that no draw uses, so that a permutation and the draws of one key are independent.</summary>
    private const ulong Domain = 1UL << 63;

    private readonly BigInteger _size;
    private readonly int _halfBits;
    private readonly BigInteger _mask;
    private readonly Philox _philox;

    public Permutation(BigInteger size, ulong key)
    {
        _size = size;
        _halfBits = (int)Math.Max(1, ((size - 1).GetBitLength() + 1) / 2);
        _mask = (BigInteger.One << _halfBits) - 1;
        _philox = new(key);
    }

    /// <summary>Where the permutation sends <paramref name="index"/>.</summary>
    public BigInteger At(BigInteger index)
    {
        do
        {
            index = Encrypt(index);
        }
        while (index >= _size);

        return index;
    }

    private BigInteger Encrypt(BigInteger number)
    {
        var left = number >> _halfBits;
        var right = number & _mask;
        for (var round = 0; round < Rounds; round++)
        {
            (left, right) = (right, left ^ (Mix(right, (ulong)round) & _mask));
        }

        return (left << _halfBits) | right;
    }

    /// <summary>At least as many random bits as one half has, from that half and the round.</summary>
    private BigInteger Mix(BigInteger half, ulong round)
    {
        var digest = 0UL;
        do
        {
            digest = _philox.Block((ulong)(half & ulong.MaxValue) ^ digest, Domain | round).First;
            half >>= 64;
        }
        while (half > 0);

        var bits = BigInteger.Zero;
        for (var filled = 0; filled < _halfBits; filled += 64)
        {
            bits = (bits << 64) | _philox.Block(digest, Domain | (Rounds + (ulong)filled)).Second;
        }

        return bits;
    }
}
