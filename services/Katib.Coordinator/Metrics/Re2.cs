using System.Diagnostics.CodeAnalysis;

namespace Katib.Coordinator.Metrics;

/// <summary>An RE2 expression, the language of Katib's metrics filters, in the dialect of Go's regexp package.</summary>
/// <remarks>
/// An engine of our own and not System.Text.RegularExpressions: the backtracking one can hang on a line, and the
/// non-backtracking one of .NET 10 misses matches of plain filters (<c>c*a*1</c> in "a- 11" is found at 4 and not at
/// 3; an entry of the tests). This one takes time in proportion to text times expression, matches code points, and
/// means by \w, \d, \s and \b what RE2 means: ASCII. Not supported are scripts, as in <c>\p{Greek}</c>.
/// </remarks>
public sealed class Re2
{
    /// <summary>The longest expression that is read.</summary>
    public const int MaxLength = 4096;

    private readonly Re2Program _program;

    private Re2(Re2Program program) => _program = program;

    /// <summary>How many groups the expression has, without the whole match.</summary>
    public int GroupCount => (_program.SlotCount / 2) - 1;

    /// <summary>Reads an expression, or says in a sentence why it is none.</summary>
    public static bool TryParse(
        string pattern, [NotNullWhen(true)] out Re2? expression, [NotNullWhen(false)] out string? problem)
    {
        (expression, problem) = (null, null);
        if (pattern.Length > MaxLength)
        {
            problem = FormattableString.Invariant(
                $"The expression is {pattern.Length} characters long; at most {MaxLength} are read.");
            return false;
        }

        try
        {
            var parser = new Re2Parser(pattern);
            expression = new(Re2Program.Of(parser.Parse(), parser.GroupCount));
            return true;
        }
        catch (FormatException unreadable)
        {
            problem = unreadable.Message;
            return false;
        }
    }

    /// <summary>All matches that do not overlap, from left to right.</summary>
    public IEnumerable<Re2Match> Matches(string text)
    {
        var machine = new Re2Machine(_program, text);
        var previousEnd = -1;
        for (var from = 0; from <= text.Length && machine.Find(from) is { } match;)
        {
            // As in Go, an empty match right behind another match does not count.
            var empty = match.EndOf(0) == match.StartOf(0);
            if (!empty || match.StartOf(0) != previousEnd)
            {
                yield return match;
            }

            previousEnd = match.EndOf(0);
            from = empty ? previousEnd + Re2Machine.WidthAt(text, previousEnd) : previousEnd;
        }
    }
}

/// <summary>Where an expression has matched.</summary>
public sealed class Re2Match
{
    private readonly string _text;
    private readonly int[] _slots;

    internal Re2Match(string text, int[] slots) => (_text, _slots) = (text, slots);

    /// <summary>The text of a group, of the whole match for 0; empty for a group that took no part.</summary>
    public ReadOnlySpan<char> this[int group] =>
        _slots[2 * group] < 0 ? [] : _text.AsSpan(StartOf(group)..EndOf(group));

    /// <summary>Where a group starts; -1 for one that took no part.</summary>
    public int StartOf(int group) => _slots[2 * group];

    /// <summary>Where a group ends; -1 for one that took no part.</summary>
    public int EndOf(int group) => _slots[(2 * group) + 1];
}
