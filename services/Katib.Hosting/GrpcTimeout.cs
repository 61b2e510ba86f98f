using System.Globalization;

namespace Katib.Hosting;

/// <summary>The header <c>grpc-timeout</c>: how long the caller waits, from when the request arrives.</summary>
internal static class GrpcTimeout
{
    public const string Header = "grpc-timeout";

    /// <summary>The longest that a timer takes, and more than any caller waits.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>Reads up to eight digits and a unit; null for anything else, which gRPC takes for no timeout.</summary>
    public static TimeSpan? Parse(string? header)
    {
        if (header is not { Length: > 1 and <= 9 }
            || !long.TryParse(header.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var amount))
        {
            return null;
        }

        long? ticksPerUnit = header[^1] switch
        {
            'H' => TimeSpan.TicksPerHour,
            'M' => TimeSpan.TicksPerMinute,
            'S' => TimeSpan.TicksPerSecond,
            'm' => TimeSpan.TicksPerMillisecond,
            'u' => TimeSpan.TicksPerMicrosecond,
            'n' => 0,
            _ => null,
        };
        return ticksPerUnit switch
        {
            null => null,
            0 => new TimeSpan(amount / TimeSpan.NanosecondsPerTick),
            { } ticks => new TimeSpan(Math.Min(amount * ticks, Longest.Ticks)),
        };
    }

    /// <summary>The header for what is left of a timeout, in milliseconds and at least one.</summary>
    public static string Format(TimeSpan left) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp((long)left.TotalMilliseconds, 1, 99_999_999)}m");
}
