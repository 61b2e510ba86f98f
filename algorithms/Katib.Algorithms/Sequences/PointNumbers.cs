using System.Collections.Immutable;
using System.Numerics;

namespace Katib.Algorithms.Sequences;

/// <summary>The points of a finite space by number: mixed radix, the last parameter runs fastest.</summary>
internal static class PointNumbers
{
    /// <summary>The point with the given number, from 0 to the size of the space less 1.</summary>
    public static Point PointAt(this SearchSpace space, BigInteger number)
    {
        var coordinates = new double[space.Dimension];
        for (var i = space.Dimension - 1; i >= 0; i--)
        {
            (number, var digit) = BigInteger.DivRem(number, space.Parameters[i].Count!.Value);
            coordinates[i] = (double)digit;
        }

        return new(ImmutableArray.Create(coordinates));
    }
}
