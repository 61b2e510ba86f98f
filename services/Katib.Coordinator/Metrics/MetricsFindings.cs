using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics;

/// <summary>A line that could not be read.</summary>
/// <param name="Line">Its number in what this parser was given, from 1.</param>
/// <param name="Message">What is wrong with it, as a sentence.</param>
public sealed record BadLine(long Line, string Message);

/// <summary>What a parser has come across and did not report as a metric; bounded, whatever the trial prints.</summary>
internal sealed class MetricsFindings(ImmutableArray<string> metricNames)
{
    private const int Most = 10;
    private const int LongestName = 100;

    // Where the metrics have other names than asked for, the first lines show it; the rest is not searched.
    private const int MostSearched = 1000;
    private const int LongestSearched = 4096;

    private const int LongestExcerpt = 60;

    private int _searched;
    private long _lastBadLine;

    public long Line { get; set; }

    /// <summary>Whether something is wrong with the present line.</summary>
    public bool IsBadLine => _lastBadLine == Line;

    public long BadLineCount { get; private set; }

    public ImmutableArray<BadLine> BadLines { get; private set; } = [];

    public ImmutableArray<BadLine> Unmatched { get; private set; } = [];

    public ImmutableArray<string> NearMisses { get; private set; } = [];

    /// <summary>Whether a line without any requested name is worth a search for other names.</summary>
    public bool WantsNearMisses(string line) =>
        NearMisses.Length < Most && line.Length <= LongestSearched && _searched++ < MostSearched;

    public void AddNearMiss(string name)
    {
        if (NearMisses.Length < Most && name.Length is > 0 and <= LongestName
            && !NearMisses.Contains(name) && !metricNames.Contains(name))
        {
            NearMisses = NearMisses.Add(name);
        }
    }

    public void AddBadLine(string message)
    {
        BadLineCount++;
        _lastBadLine = Line;
        if (BadLines.Length < Most)
        {
            BadLines = BadLines.Add(new(Line, message));
        }
    }

    /// <summary>Remembers that a line names a metric, and why that gives no value; a line that was bad is known already.</summary>
    public void AddUnmatched(string line, string why)
    {
        if (Unmatched.Length < Most && !IsBadLine
            && metricNames.FirstOrDefault(name => line.Contains(name, StringComparison.Ordinal)) is { } name)
        {
            Unmatched = Unmatched.Add(new(Line, $"The metric '{name}' is named in '{Excerpt(line)}', {why}."));
        }
    }

    /// <summary>The beginning of a text, fit to be shown in one line.</summary>
    public static string Excerpt(string text)
    {
        var trimmed = text.AsSpan().Trim();
        var shown = trimmed.Length <= LongestExcerpt ? trimmed.ToString() : $"{trimmed[..LongestExcerpt]}...";
        return string.Concat(shown.Select(static c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c));
    }
}
