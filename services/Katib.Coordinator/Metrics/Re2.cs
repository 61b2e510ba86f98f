using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Katib.Coordinator.Metrics;

/// <summary>RE2 expressions, the language of Katib's metrics filters, as .NET expressions of the same meaning.</summary>
/// <remarks>
/// The dialect is that of Go's regexp package. Like RE2, what comes out is matched in time proportional to the text.
/// Two things differ: <c>\b</c> takes a letter beyond ASCII for part of a word (a boundary cannot be spelled out
/// without looking around), and the scripts of <c>\p{Greek}</c> are refused, since .NET has no table of them.
/// Groups have RE2's numbers; their names are dropped.
/// </remarks>
public static class Re2
{
    /// <summary>The longest expression that is read.</summary>
    public const int MaxLength = 4096;

    /// <summary>Translates <paramref name="pattern"/>, or says in a sentence why it cannot be used.</summary>
    public static bool TryTranslate(
        string pattern, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? problem)
    {
        (regex, problem) = (null, null);
        if (pattern.Length > MaxLength)
        {
            problem = FormattableString.Invariant(
                $"The expression is {pattern.Length} characters long; at most {MaxLength} are read.");
            return false;
        }

        try
        {
            var translated = new Re2Translator(pattern).Translate();
            regex = new(translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return true;
        }
        catch (FormatException unreadable)
        {
            problem = unreadable.Message;
        }
        catch (NotSupportedException)
        {
            problem = "The expression needs too large an automaton: lower its repetition counts.";
        }

        return false;
    }
}
