namespace Katib;

/// <summary>The doubles in their order, counted.</summary>
internal static class OrderedDoubles
{
    /// <summary>How many doubles lie between two finite ones, both included; null when more than 2^53.</summary>
    public static long? Between(double min, double max)
    {
        var count = (Int128)Rank(max) - Rank(min) + 1;
        return count <= 1L << 53 ? (long)count : null;
    }

    /// <summary>The double that stands <paramref name="k"/> places after <paramref name="min"/>.</summary>
    public static double At(double min, long k) => FromRank(Rank(min) + k);

    private static long Rank(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value + 0.0);
        return bits >= 0 ? bits : long.MinValue - bits;
    }

    private static double FromRank(long rank) =>
        BitConverter.Int64BitsToDouble(rank >= 0 ? rank : long.MinValue - rank);
}
