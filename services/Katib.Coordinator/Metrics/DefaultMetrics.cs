using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Katib.Coordinator.Metrics;

/// <summary>Metrics in what programs usually print: <c>name=value</c>, <c>name: value</c>, JSON, with colours or without.</summary>
/// <remarks>
/// What Katib's default filter finds is found, with two differences: a number is read to its end (Katib takes
/// <c>1.e-5</c> for 1), and is never empty. On top of that come a colon, quotes around name and number as in JSON and in
/// Python's dictionaries, names with any character, and nan and inf. As in Katib, <c>loss</c> is found in
/// <c>train/loss=1</c>, unless <c>train/loss</c> is asked for as well.
/// </remarks>
internal static partial class DefaultMetrics
{
    private static readonly string[] NotNumbers = ["infinity", "inf", "nan"];

    /// <summary>The line without what colours it and moves a terminal.</summary>
    public static string WithoutColours(string line) =>
        line.Contains('\e', StringComparison.Ordinal) ? ControlSequence.Replace(line, "") : line;

    /// <summary>What looks like a name, and its number or nothing, in their order; of metrics also where there is none.</summary>
    public static IEnumerable<(string Name, string Value)> Find(string line, ImmutableArray<string> metricNames)
    {
        for (var at = line.AsSpan().IndexOfAny('=', ':'); at >= 0; at = Next(line, at))
        {
            var left = line.AsSpan(0, at).TrimEnd();
            left = left is [.., '"' or '\''] ? left[..^1] : left;
            var name = NameAtEndOf(left, metricNames) ?? WordAtEndOf(left);
            yield return (name, NumberAt(line, at + 1, isKatibs: line[at] is '='));
        }
    }

    private static int Next(string text, int at)
    {
        var further = text.AsSpan(at + 1).IndexOfAny('=', ':');
        return further < 0 ? -1 : at + 1 + further;
    }

    /// <summary>The longest metric that stands at the end, and is not the end of a longer word.</summary>
    private static string? NameAtEndOf(ReadOnlySpan<char> left, ImmutableArray<string> metricNames)
    {
        string? longest = null;
        foreach (var name in metricNames)
        {
            if (name.Length > (longest?.Length ?? 0) && left.EndsWith(name, StringComparison.Ordinal)
                && (left.Length == name.Length || !IsOfKatibsWords(left[^(name.Length + 1)])))
            {
                longest = name;
            }
        }

        return longest;
    }

    /// <summary>What looks like a name, for one that was not asked for; empty where nothing does.</summary>
    private static string WordAtEndOf(ReadOnlySpan<char> left)
    {
        var start = left.Length;
        while (start > 0 && (IsOfKatibsWords(left[start - 1]) || left[start - 1] is '/' or '.'))
        {
            start--;
        }

        var word = left[start..].TrimStart("/.");
        return word.ContainsAnyInRange('A', 'z') ? word.ToString() : "";
    }

    /// <summary>What <c>[\w|-]</c> means to RE2.</summary>
    private static bool IsOfKatibsWords(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '|' or '-';

    /// <summary>The number that stands here; empty where there is none.</summary>
    private static string NumberAt(string text, int start, bool isKatibs)
    {
        while (start < text.Length && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        if (start < text.Length && text[start] is '"' or '\'')
        {
            start++;
        }

        var match = Number.Match(text, start);
        if (!match.Success)
        {
            return NotNumberAt(text, start);
        }

        // After a colon a time of day or a version may stand; after an equals sign Katib takes what it can.
        var end = match.Index + match.Length;
        var isCut = end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '_' or ':' or '/');
        return isKatibs || !isCut ? match.Value : "";
    }

    private static string NotNumberAt(string text, int start)
    {
        var sign = start < text.Length && text[start] is '+' or '-' ? 1 : 0;
        foreach (var word in NotNumbers)
        {
            var end = start + sign + word.Length;
            if (string.Compare(text, start + sign, word, 0, word.Length, StringComparison.OrdinalIgnoreCase) is 0
                && (end == text.Length || !(char.IsLetterOrDigit(text[end]) || text[end] is '_')))
            {
                return text[start..end];
            }
        }

        return "";
    }

    [GeneratedRegex(@"\G[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([Ee][+-]?[0-9]+)?")]
    private static partial Regex Number { get; }

    /// <summary>Colours, and what else moves a terminal (ECMA-48, 5.4).</summary>
    [GeneratedRegex(@"\e\[[0-?]*[ -/]*[@-~]")]
    private static partial Regex ControlSequence { get; }
}
