using System.Collections.Immutable;
using System.Globalization;

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
    private string? _expression;

    private CodePointSet(ImmutableArray<(int First, int Last)> ranges) => _ranges = ranges;

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

    /// <summary>The set as a .NET expression that matches exactly one of its members.</summary>
    public override string ToString() => _expression ??= Spell();

    private string Spell()
    {
        var basic = Units(Within(0, 0xD7FF).Concat(Within(0xE000, 0xFFFF)));
        var pairs = Within(0x10000, Last).Any() ? Pairs() : [];
        return (basic, pairs) switch
        {
            ("", []) => @"[^\s\S]",
            (_, []) => $"[{basic}]",
            ("", _) => $"(?:{string.Join('|', pairs)})",
            _ => $"(?:[{basic}]|{string.Join('|', pairs)})",
        };
    }

    // High surrogates that the same low ones follow go together: each alternative costs the matcher dearly.
    private string[] Pairs() =>
    [
        .. from high in Enumerable.Range(0xD800, 0x400)
           let first = 0x10000 + ((high - 0xD800) << 10)
           let lows = Units(Within(first, first + 0x3FF).Select(r => (r.First - first + 0xDC00, r.Last - first + 0xDC00)))
           where lows.Length > 0
           group (high, high) by lows into highs
           select $"[{Units(Of(highs)._ranges)}][{highs.Key}]",
    ];

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

    private static string Units(IEnumerable<(int First, int Last)> ranges) =>
        string.Concat(ranges.Select(static r => r.First == r.Last ? Unit(r.First) : $"{Unit(r.First)}-{Unit(r.Last)}"));

    private static string Unit(int unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{unit:X4}");
}
