using System.Globalization;

namespace Katib.Coordinator.Metrics;

/// <summary>Times as metrics lines bear them: RFC 3339 with any number of fractional digits.</summary>
internal static class Rfc3339
{
    /// <summary>Reads a whole text as a time, in UTC; digits beyond 100 ns are cut off.</summary>
    /// <remarks>Written out, because the framework's formats end at seven digits and nanoseconds have nine.</remarks>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length < 20 || text[4] is not '-' || text[7] is not '-' || text[10] is not 'T'
            || text[13] is not ':' || text[16] is not ':'
            || !TryRead(text[..4], out var year) || !TryRead(text[5..7], out var month)
            || !TryRead(text[8..10], out var day) || !TryRead(text[11..13], out var hour)
            || !TryRead(text[14..16], out var minute) || !TryRead(text[17..19], out var second)
            || year is 0 || month is 0 or > 12 || day is 0 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        var rest = text[19..];
        var fraction = 0L;
        if (rest[0] is '.')
        {
            var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (digits <= 0)
            {
                return false;
            }

            for (var i = 0; i < 7; i++)
            {
                fraction = (fraction * 10) + (i < digits ? rest[i + 1] - '0' : 0);
            }

            rest = rest[(digits + 1)..];
        }

        if (!TryReadOffset(rest, out var offset))
        {
            return false;
        }

        var local = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Unspecified);
        var ticks = local.Ticks + fraction - offset.Ticks;
        if (ticks < DateTime.MinValue.Ticks || ticks > DateTime.MaxValue.Ticks)
        {
            return false;
        }

        time = new(ticks, TimeSpan.Zero);
        return true;
    }

    /// <summary>The time in UTC, with as many fractional digits as it has; it is read again as the same time.</summary>
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    private static bool TryReadOffset(ReadOnlySpan<char> text, out TimeSpan offset)
    {
        offset = default;
        if (text is "Z")
        {
            return true;
        }

        if (text is not ['+' or '-', _, _, ':', _, _] || !TryRead(text[1..3], out var hours)
            || !TryRead(text[4..6], out var minutes) || hours > 23 || minutes > 59)
        {
            return false;
        }

        offset = new TimeSpan(hours, minutes, 0) * (text[0] is '-' ? -1 : 1);
        return true;
    }

    private static bool TryRead(ReadOnlySpan<char> digits, out int number)
    {
        number = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit(digit))
            {
                return false;
            }

            number = (number * 10) + (digit - '0');
        }

        return true;
    }
}
