using System.Numerics;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Random;

/// <summary>Random draws from a space, the first of equal ones only.</summary>
/// <remarks>
/// In a space with a continuum two draws meet once in 10^12, so position k is simply draw k. In a finite space the
/// draws before a position are made again to see which of them count. When 1,000 draws in a row bring nothing new, what
/// is left is rare under the distributions, and the unseen point of lowest rank in a seeded permutation takes the
/// place.
/// </remarks>
internal sealed class DistinctDraws(
    SearchSpace space, ulong key, DistinctDraws.Draw draw, CancellationToken cancellationToken) : IPointSequence
{
    private const int Patience = 1000;

    /// <summary>Independent draws, all of them with the same probability.</summary>
    public DistinctDraws(SearchSpace space, ulong key, CancellationToken cancellationToken)
        : this(space, key, new Philox(key).Fill, cancellationToken)
    {
    }

    /// <summary>Fills in draw number <paramref name="index"/>: a probability in [0,1) for each parameter.</summary>
    public delegate void Draw(ulong index, Span<double> probabilities);

    public IEnumerable<Point> From(long position) =>
        space.Size is { } size ? Distinct(size).Skip((int)position) : Draws((ulong)position);

    private IEnumerable<Point> Draws(ulong index)
    {
        var probabilities = new double[space.Dimension];
        while (true)
        {
            draw(index++, probabilities);
            yield return space.Quantile(probabilities);
        }
    }

    private IEnumerable<Point> Distinct(BigInteger size)
    {
        var seen = new HashSet<Point>();
        var leftOver = LeftOver(size).GetEnumerator();
        var misses = 0;
        foreach (var draw in Draws(0))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (seen.Count == size)
            {
                yield break;
            }

            if (seen.Add(draw))
            {
                misses = 0;
                yield return draw;
            }
            else if (++misses == Patience)
            {
                misses = 0;
                while (leftOver.MoveNext() && !seen.Add(leftOver.Current))
                {
                }

                yield return leftOver.Current;
            }
        }
    }

    /// <summary>Every point of the space, in the order of the seeded permutation.</summary>
    private IEnumerable<Point> LeftOver(BigInteger size)
    {
        var permutation = new Permutation(size, key);
        for (var rank = BigInteger.Zero; rank < size; rank++)
        {
            yield return space.PointAt(permutation.At(rank));
        }
    }
}
