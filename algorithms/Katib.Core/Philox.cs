namespace Katib;

/// <summary>Philox4x32-10: random numbers as a function of a key and a counter.</summary>
/// <param name="Key">Which sequence; see <see cref="KeyOf(Study, long?)"/>.</param>
/// <remarks>
/// J. K. Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Draw number k needs no draw before
/// it, so that a stateless service can continue a sequence anywhere.
/// </remarks>
public readonly record struct Philox(ulong Key)
{
    private const int Rounds = 10;

    /// <summary>A key from a text, the same on every machine: FNV-1a with the finaliser of SplitMix64.</summary>
    public static ulong KeyOf(string text)
    {
        var hash = 14695981039346656037;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 1099511628211;
        }

        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
        return hash ^ (hash >> 31);
    }

    /// <summary>The key of a study: from <c>random_state</c>, or else from the experiment's name.</summary>
    public static ulong KeyOf(Study study, long? randomState) =>
        KeyOf(randomState is { } state
            ? FormattableString.Invariant($"random_state {state}")
            : $"experiment {study.Name}");

    /// <summary>Two 64-bit numbers for a 128-bit counter.</summary>
    public (ulong First, ulong Second) Block(ulong low, ulong high)
    {
        var (c0, c1, c2, c3) = ((uint)low, (uint)(low >> 32), (uint)high, (uint)(high >> 32));
        var (k0, k1) = ((uint)Key, (uint)(Key >> 32));
        for (var round = 0; round < Rounds; round++)
        {
            var a = 0xD2511F53UL * c0;
            var b = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(b >> 32) ^ c1 ^ k0, (uint)b, (uint)(a >> 32) ^ c3 ^ k1, (uint)a);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }

        return (c0 | ((ulong)c1 << 32), c2 | ((ulong)c3 << 32));
    }

    /// <summary>
    /// Fills a span with numbers of 53 bits, even in [0,1), for draw number <paramref name="index"/>.
    /// </summary>
    public void Fill(ulong index, Span<double> unit)
    {
        for (var i = 0; i < unit.Length; i += 2)
        {
            var (first, second) = Block(index, (ulong)i / 2);
            unit[i] = ToUnit(first);
            if (i + 1 < unit.Length)
            {
                unit[i + 1] = ToUnit(second);
            }
        }
    }

    private static double ToUnit(ulong bits) => (bits >> 11) * (1.0 / (1UL << 53));
}
