using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Katib.Coordinator.Metrics;

/// <summary>A set of Unicode code points, as ranges in order that neither overlap nor touch.</summary>
/// <remarks>
/// RE2 matches code points and .NET matches UTF-16 units. A set bridges the two: what lies above U+FFFF is written
/// as pairs of surrogates, so that a class never matches half a character.
/// </remarks>
internal sealed class CodePointSet
{
    private const int Last = 0x10FFFF;

    private readonly ImmutableArray<(int First, int Last)> _ranges;

    private CodePointSet(ImmutableArray<(int First, int Last)> ranges) => _ranges = ranges;

    public static CodePointSet Empty { get; } = new([]);

    public static CodePointSet Everything { get; } = new([(0, Last)]);

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
    public static CodePointSet Of(IReadOnlySet<UnicodeCategory> categories)
    {
        var ranges = new List<(int First, int Last)>();
        for (var point = 0; point <= Last; point++)
        {
            if (!categories.Contains(CharUnicodeInfo.GetUnicodeCategory(point)))
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

    /// <summary>Writes the set as a .NET expression that matches exactly one of its members.</summary>
    public void AppendTo(StringBuilder expression)
    {
        var alternatives = new List<string>();
        var basic = string.Concat(Within(0, 0xD7FF).Concat(Within(0xE000, 0xFFFF)).Select(static r => Range(r.First, r.Last)));
        if (basic.Length > 0)
        {
            alternatives.Add($"[{basic}]");
        }

        alternatives.AddRange(Within(0x10000, Last).SelectMany(static range => Pairs(range.First, range.Last)));
        _ = alternatives switch
        {
            [] => expression.Append(@"[^\s\S]"),
            [var only] when basic.Length > 0 => expression.Append(only),
            _ => expression.Append("(?:").AppendJoin('|', alternatives).Append(')'),
        };
    }

    private bool Contains(int point)
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

    private IEnumerable<(int First, int Last)> Within(int first, int last) =>
        _ranges.Where(range => range.First <= last && range.Last >= first)
            .Select(range => (Math.Max(range.First, first), Math.Min(range.Last, last)));

    // One range is at most three: the rest of the first high surrogate, whole ones, the start of the last.
    private static IEnumerable<string> Pairs(int first, int last)
    {
        while (first <= last)
        {
            var (high, low) = Surrogates(first);
            var (lastHigh, lastLow) = Surrogates(last);
            var end = low is 0xDC00 ? Math.Max(high, lastLow is 0xDFFF ? lastHigh : lastHigh - 1) : high;
            var endLow = end == lastHigh ? lastLow : 0xDFFF;
            yield return $"[{Range(high, end)}][{Range(low, endLow)}]";
            first = 0x10000 + ((end - 0xD800) << 10) + (endLow - 0xDC00) + 1;
        }
    }

    private static (int High, int Low) Surrogates(int point) =>
        (0xD800 + ((point - 0x10000) >> 10), 0xDC00 + ((point - 0x10000) & 0x3FF));

    private static string Range(int first, int last) =>
        first == last ? Unit(first) : $"{Unit(first)}-{Unit(last)}";

    private static string Unit(int unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{unit:X4}");
}
