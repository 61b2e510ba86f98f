using System.Collections.Immutable;
using System.Text;

namespace Katib.Coordinator.Metrics;

/// <summary>Which code points are one letter where case is ignored: Unicode's simple case folding.</summary>
internal static class CaseFolding
{
    private const int LongS = 0x17F;

    private static readonly Lazy<ImmutableArray<ImmutableArray<int>>> Computed = new(Compute);

    /// <summary>Each letter's spellings: k, K and the Kelvin sign are one. What has no case is in none.</summary>
    public static ImmutableArray<ImmutableArray<int>> Orbits => Computed.Value;

    private static ImmutableArray<ImmutableArray<int>> Compute() =>
        [.. Enumerable.Range(0, 0x1F000)
            .Where(static point => Rune.IsValid(point) && Key(point) != point)
            .GroupBy(Key)
            .Select(static orbit => ImmutableArray.Create([orbit.Key, .. orbit]))];

    // .NET keeps the long s apart from s, so that no non-ASCII letter becomes an ASCII one; Unicode and RE2 do not.
    private static int Key(int point) =>
        point is LongS ? 's' : Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(point))).Value;
}
