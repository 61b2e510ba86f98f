using System.Globalization;
using System.Text;

namespace Katib.Coordinator.Metrics;

/// <summary>Reads an expression in the syntax of RE2.</summary>
/// <remarks>
/// What is refused, and when, follows Go's regexp/syntax; a <see cref="FormatException"/> carries the sentence. Flags
/// and the case of letters are resolved here.
/// </remarks>
internal sealed partial class Re2Parser(string pattern)
{
    // Go's limit: copies of the innermost part by counts within counts.
    private const int MaxRepeats = 1000;

    // Below Go's 1000, so that no recursion over the parts comes near the end of a thread's stack.
    private const int MaxDepth = 200;

    private readonly Stack<Level> _outer = [];
    private Level _level = new(null, Flags.None);
    private Flags _flags;
    private int _at;
    private bool _justRepeated;

    [Flags]
    private enum Flags
    {
        None = 0,
        IgnoreCase = 1,
        DotMatchesNewline = 2,
        MultiLine = 4,
        Ungreedy = 8,
    }

    /// <summary>How many groups have been opened.</summary>
    public int GroupCount { get; private set; }

    public Re2Node Parse()
    {
        while (_at < pattern.Length)
        {
            var start = _at;
            var afterRepeat = _justRepeated;
            _justRepeated = false;
            switch (pattern[_at])
            {
                case '(' when Ahead("(?"):
                    OpenSpecial();
                    break;
                case '(':
                    _at++;
                    Open(++GroupCount);
                    break;
                case ')':
                    _at++;
                    Close();
                    break;
                case '|':
                    _at++;
                    _level.NextChoice();
                    break;
                case '^':
                    _at++;
                    Add(new Re2Node.At(Has(Flags.MultiLine) ? Re2Place.LineStart : Re2Place.TextStart));
                    break;
                case '$':
                    _at++;
                    Add(new Re2Node.At(Has(Flags.MultiLine) ? Re2Place.LineEnd : Re2Place.TextEnd));
                    break;
                case '.':
                    _at++;
                    Add(new Re2Node.One(
                        Has(Flags.DotMatchesNewline) ? CodePointSet.Everything : CodePointSet.AllButNewline));
                    break;
                case '[':
                    Add(new Re2Node.One(ReadClass()));
                    break;
                case '*' or '+' or '?':
                    _at++;
                    Repeat(pattern[start] is '+' ? 1 : 0, pattern[start] is '?' ? 1 : null, start, afterRepeat);
                    break;
                case '{' when TryReadCounts(out var min, out var max):
                    Repeat(min, max, start, afterRepeat);
                    break;
                case '\\':
                    Escape();
                    break;
                default:
                    Literal(NextPoint());
                    break;
            }
        }

        return _outer.Count is 0 ? _level.Close() : throw new FormatException("A '(' is not closed.");
    }

    private void Add(Re2Node part) => _level.Parts.Add(part);

    private void Open(int? number)
    {
        if (_outer.Count >= MaxDepth)
        {
            throw new FormatException(
                FormattableString.Invariant($"Groups are nested more than {MaxDepth} deep; that is too deep."));
        }

        _outer.Push(_level);
        _level = new(number, _flags);
    }

    private void Close()
    {
        if (!_outer.TryPop(out var outer))
        {
            throw new FormatException(@"A ')' closes nothing; write \) for the character.");
        }

        var closed = _level;
        (_level, _flags) = (outer, closed.Flags);
        Add(closed.Number is { } number ? new Re2Node.Group(number, closed.Close()) : closed.Close());
    }

    private void Repeat(int min, int? max, int start, bool afterRepeat)
    {
        var lazy = Has(Flags.Ungreedy);
        if (_at < pattern.Length && pattern[_at] is '?')
        {
            _at++;
            lazy = !lazy;
        }

        var quantifier = pattern[start.._at];
        if (afterRepeat)
        {
            throw new FormatException(
                $"'{quantifier}' repeats a repetition; RE2 has no possessive quantifiers. "
                + $"Group what it shall repeat: (?:...){quantifier}.");
        }

        if (_level.Parts is not [.., var part])
        {
            throw new FormatException(
                $"There is nothing before '{quantifier}' to repeat; write \\{quantifier[0]} for the character.");
        }

        var loop = new Re2Node.Loop(part, min, max, lazy);
        if (min > MaxRepeats || max > MaxRepeats || min > max || loop.Repeats > MaxRepeats)
        {
            throw new FormatException(FormattableString.Invariant(
                $"'{quantifier}' is no count: RE2 repeats at most {MaxRepeats} times, nested counts multiplied."));
        }

        _level.Parts[^1] = loop;
        _justRepeated = true;
    }

    // {n}, {n,} and {n,m} without leading zeros; anything else is a brace like any character.
    private bool TryReadCounts(out int min, out int? max)
    {
        (min, max) = (0, null);
        var end = pattern.IndexOf('}', _at);
        if (end < 0)
        {
            return false;
        }

        var counts = pattern[(_at + 1)..end].Split(',');
        if (counts.Length > 2 || !TryReadCount(counts[0], out min))
        {
            return false;
        }

        if (counts is not [_, ""])
        {
            if (!TryReadCount(counts[^1], out var most))
            {
                return false;
            }

            max = most;
        }

        _at = end + 1;
        return true;

        static bool TryReadCount(string text, out int count)
        {
            var readable = text.Length > 0 && text.All(char.IsAsciiDigit) && (text is "0" || text[0] is not '0');

            // A count beyond int is as far too large as any above the limit.
            count = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? Math.Min(number, MaxRepeats + 1)
                : MaxRepeats + 1;
            return readable;
        }
    }

    private void Literal(int point) => Add(new Re2Node.One(Folded(CodePointSet.Of((point, point)))));

    private bool Has(Flags flag) => (_flags & flag) != 0;

    private bool Ahead(string text) => string.CompareOrdinal(pattern, _at, text, 0, text.Length) is 0;

    private int NextPoint()
    {
        if (!Rune.TryGetRuneAt(pattern, _at, out var rune))
        {
            throw new FormatException("The expression contains half a surrogate pair, which is no character.");
        }

        _at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    /// <summary>What has been read since a bracket was opened.</summary>
    private sealed class Level(int? number, Flags flags)
    {
        private readonly List<Re2Node> _choices = [];

        public int? Number => number;

        public Flags Flags => flags;

        public List<Re2Node> Parts { get; } = [];

        public void NextChoice()
        {
            _choices.Add(Parts is [var only] ? only : new Re2Node.Sequence([.. Parts]));
            Parts.Clear();
        }

        public Re2Node Close()
        {
            NextChoice();
            return _choices is [var only] ? only : new Re2Node.Choice([.. _choices]);
        }
    }
}
