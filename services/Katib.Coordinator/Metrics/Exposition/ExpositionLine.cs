using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Katib.Coordinator.Metrics.Exposition;

/// <summary>Reads one line of Prometheus' text format from left to right, in time linear in its length.</summary>
/// <remarks>The format 0.0.4 and 1.0.0 (names in quotes), and OpenMetrics 1.0.</remarks>
internal ref struct ExpositionLine(ReadOnlySpan<char> line)
{
    private ReadOnlySpan<char> _rest = line;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>The whole line; null when it is none.</summary>
    /// <param name="isOpenMetrics">Whether times are in seconds, and exemplars may follow; else they are in milliseconds.</param>
    public ExpositionSample? Sample(bool isOpenMetrics)
    {
        _ = SkipBlanks();
        if (Series() is not { } series || Word() is not { Length: > 0 } value || !Numbers.TryParseReported(value, out _))
        {
            return null;
        }

        DateTimeOffset? time = null;
        if (!IsAtEnd && !IsExemplar(isOpenMetrics))
        {
            time = isOpenMetrics ? Seconds(Word()) : Milliseconds(Word());
            if (time is null)
            {
                return null;
            }
        }

        return IsAtEnd || IsExemplar(isOpenMetrics) ? new(series, value.ToString(), time) : null;
    }

    /// <summary>A name and labels, with the blanks behind them; null when there is none.</summary>
    public ExpositionSeries? Series()
    {
        var name = Name();
        var hasBlank = SkipBlanks();
        if (!Take('{'))
        {
            return name is not null && (hasBlank || IsAtEnd) ? new(name, []) : null;
        }

        var labels = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        _ = SkipBlanks();
        while (!Take('}'))
        {
            var isQuoted = _rest is ['"', ..];
            if ((isQuoted ? Quoted() : Name()) is not { } key)
            {
                return null;
            }

            _ = SkipBlanks();
            if (Take('='))
            {
                _ = SkipBlanks();
                if (Quoted() is not { } value)
                {
                    return null;
                }

                labels.Add(new(key, value));
                _ = SkipBlanks();
            }
            else if (isQuoted && name is null)
            {
                name = key;
            }
            else
            {
                return null;
            }

            if (Take(','))
            {
                _ = SkipBlanks();
            }
            else if (_rest is not ['}', ..])
            {
                return null;
            }
        }

        _ = SkipBlanks();
        return name is null ? null : new(name, labels.DrainToImmutable());
    }

    /// <summary>A name without quotes; null when there is none.</summary>
    public string? Name()
    {
        var length = 0;
        while (length < _rest.Length && IsOfName(_rest[length], isFirst: length is 0))
        {
            length++;
        }

        var name = length > 0 ? _rest[..length].ToString() : null;
        _rest = _rest[length..];
        return name;
    }

    /// <summary>A text in quotes; null when there is none, or it does not end.</summary>
    private string? Quoted()
    {
        if (!Take('"'))
        {
            return null;
        }

        var text = new StringBuilder();
        while (_rest.IndexOfAny('"', '\\') is var at && at >= 0)
        {
            _ = text.Append(_rest[..at]);
            var isEnd = _rest[at] is '"';
            _rest = _rest[(at + 1)..];
            if (isEnd)
            {
                return text.ToString();
            }

            if (_rest.IsEmpty)
            {
                return null;
            }

            // An escape that is not known stays as it is written.
            _ = _rest[0] switch
            {
                'n' => text.Append('\n'),
                '\\' or '"' => text.Append(_rest[0]),
                _ => text.Append('\\').Append(_rest[0]),
            };
            _rest = _rest[1..];
        }

        return null;
    }

    private ReadOnlySpan<char> Word()
    {
        var end = _rest.IndexOfAny(' ', '\t');
        var word = end < 0 ? _rest : _rest[..end];
        _rest = _rest[word.Length..];
        _ = SkipBlanks();
        return word;
    }

    private readonly bool IsExemplar(bool isOpenMetrics) => isOpenMetrics && _rest is ['#', ..];

    private bool Take(char one)
    {
        var isThere = !_rest.IsEmpty && _rest[0] == one;
        _rest = isThere ? _rest[1..] : _rest;
        return isThere;
    }

    private bool SkipBlanks()
    {
        var before = _rest.Length;
        _rest = _rest.TrimStart(" \t");
        return _rest.Length < before;
    }

    private static bool IsOfName(char letter, bool isFirst) =>
        char.IsAsciiLetter(letter) || letter is '_' or ':' || (!isFirst && char.IsAsciiDigit(letter));

    private static DateTimeOffset? Milliseconds(ReadOnlySpan<char> text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds)
        && milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
        && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;

    private static DateTimeOffset? Seconds(ReadOnlySpan<char> text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
        && seconds >= DateTimeOffset.MinValue.ToUnixTimeSeconds()
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.UnixEpoch.AddTicks((long)Math.Floor(seconds * TimeSpan.TicksPerSecond))
            : null;
}
