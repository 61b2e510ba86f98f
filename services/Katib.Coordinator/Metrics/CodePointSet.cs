using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Coordinator.Metrics;

/// <summary>A set of Unicode code points, as ranges in order that neither overlap nor touch.</summary>
internal sealed class CodePointSet
{
    private const int Last = 0x10FFFF;

    private readonly ImmutableArray<(int First, int Last)> _ranges;

    // Most texts are ASCII: a bit for each of its characters answers for them.
    private readonly UInt128 _ascii;

    private CodePointSet(ImmutableArray<(int First, int Last)> ranges)
    {
        _ranges = ranges;
        for (var point = 0; point < 0x80; point++)
        {
            _ascii |= IsInRange(point) ? UInt128.One << point : UInt128.Zero;
        }
    }

    public static CodePointSet Empty { get; } = new([]);

    public static CodePointSet Everything { get; } = new([(0, Last)]);

    public static CodePointSet AllButNewline { get; } = Of(('\n', '\n')).Complement();

    public static CodePointSet Of(params IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var range in ranges.Order())
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
            {
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            }
            else
            {
                merged.Add(range);
            }
        }

        return new([.. merged]);
    }

    /// <summary>All code points of the given general categories.</summary>
    public static CodePointSet Of(IEnumerable<UnicodeCategory> categories)
    {
        // A bit for each category: the question is asked a million times.
        var wanted = categories.Aggregate(0, static (bits, category) => bits | (1 << (int)category));
        var ranges = new List<(int First, int Last)>();
        for (var point = 0; point <= Last; point++)
        {
            if ((wanted & (1 << (int)CharUnicodeInfo.GetUnicodeCategory(point))) is 0)
            {
                continue;
            }

            if (ranges.Count > 0 && ranges[^1].Last == point - 1)
            {
                ranges[^1] = (ranges[^1].First, point);
            }
            else
            {
                ranges.Add((point, point));
            }
        }

        return new([.. ranges]);
    }

    public CodePointSet Union(CodePointSet other) => Of(_ranges.Concat(other._ranges));

    public CodePointSet Complement()
    {
        var gaps = ImmutableArray.CreateBuilder<(int First, int Last)>(_ranges.Length + 1);
        var next = 0;
        foreach (var (first, last) in _ranges)
        {
            if (next < first)
            {
                gaps.Add((next, first - 1));
            }

            next = last + 1;
        }

        if (next <= Last)
        {
            gaps.Add((next, Last));
        }

        return new(gaps.DrainToImmutable());
    }

    /// <summary>The set with every upper, lower and title case spelling of its members.</summary>
    public CodePointSet FoldCase() =>
        Of(_ranges.Concat(CaseFolding.Orbits.Where(orbit => orbit.Any(Contains)).SelectMany(static o => o)
            .Select(static point => (point, point))));

    public bool Contains(int point) => point < 0x80 ? ((_ascii >> point) & 1) != 0 : IsInRange(point);

    private bool IsInRange(int point)
    {
        var (low, high) = (0, _ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (point < _ranges[middle].First)
            {
                high = middle - 1;
            }
            else if (point > _ranges[middle].Last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }
}
