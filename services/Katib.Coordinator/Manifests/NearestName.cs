namespace Katib.Coordinator.Manifests;

/// <summary>What a user may have meant: the known name that a misspelt one is nearest to.</summary>
public static class NearestName
{
    // No one types longer names by hand, and the distance costs their product.
    private const int Longest = 100;

    /// <summary>The known name at the smallest edit distance, the first among equals; null when none is near.</summary>
    /// <remarks>Near is one slip in three characters. A swap of neighbours is one slip, another case is none.</remarks>
    public static string? Of(string given, IEnumerable<string> known)
    {
        var (nearest, least) = ((string?)null, int.MaxValue);
        foreach (var name in known)
        {
            var longer = Math.Max(given.Length, name.Length);
            if (longer is 0 or > Longest)
            {
                continue;
            }

            var distance = Distance(given.ToUpperInvariant(), name.ToUpperInvariant());
            if (distance < least && distance < longer && distance <= Math.Max(1, longer / 3))
            {
                (nearest, least) = (name, distance);
            }
        }

        return nearest;
    }

    // Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
    private static int Distance(string a, string b)
    {
        var (beforeLast, last, row) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[b.Length];
    }
}
