using System.Globalization;
using System.Text;

namespace Katib.Coordinator.Metrics;

/// <summary>One pass over an RE2 expression that writes it anew for .NET.</summary>
/// <remarks>
/// Flags, classes and the case of letters are resolved here, so that the result uses nothing whose meaning differs
/// between the two languages. What is refused, and when, follows Go's regexp/syntax; a <see cref="FormatException"/>
/// carries the sentence.
/// </remarks>
internal sealed partial class Re2Translator(string pattern)
{
    // Go's limits: copies of the innermost thing by nested counts, and groups within groups.
    private const int MaxRepeats = 1000;
    private const int MaxDepth = 1000;

    // A long class inside a long expression would otherwise grow without bound.
    private const int MaxTranslated = 1 << 16;

    private readonly StringBuilder _out = new();
    private readonly Stack<Group> _groups = [];
    private Flags _flags;
    private int _at;

    // What a quantifier that comes next would repeat: where it starts in the output, and how often it already repeats
    // something inside itself.
    private int _atom = -1;
    private int _atomRepeats = 1;
    private int _groupRepeats = 1;
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

    private readonly record struct Group(int Start, Flags Flags, int Repeats);

    public string Translate()
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
                    Open("(");
                    break;
                case ')':
                    _at++;
                    Close();
                    break;
                case '|':
                    _at++;
                    FinishAtom();
                    _ = _out.Append('|');
                    break;
                case '^':
                    _at++;
                    Anchor(Has(Flags.MultiLine) ? "(?m:^)" : @"\A");
                    break;
                case '$':
                    _at++;
                    Anchor(Has(Flags.MultiLine) ? "(?m:$)" : @"\z");
                    break;
                case '.':
                    _at++;
                    Write(Has(Flags.DotMatchesNewline) ? CodePointSet.Everything : CodePointSet.AllButNewline);
                    break;
                case '[':
                    Write(ReadClass());
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

            if (_out.Length > MaxTranslated)
            {
                throw new FormatException("The expression is too large: use fewer or smaller character classes.");
            }
        }

        return _groups.Count is 0 ? _out.ToString() : throw new FormatException("A '(' is not closed.");
    }

    private void Open(string bracket)
    {
        if (_groups.Count >= MaxDepth - 1)
        {
            throw new FormatException(FormattableString.Invariant($"Groups are nested {MaxDepth} deep; that is too deep."));
        }

        FinishAtom();
        _groups.Push(new(_out.Length, _flags, _groupRepeats));
        _groupRepeats = 1;
        _ = _out.Append(bracket);
    }

    private void Close()
    {
        if (!_groups.TryPop(out var group))
        {
            throw new FormatException(@"A ')' closes nothing; write \) for the character.");
        }

        FinishAtom();
        _ = _out.Append(')');
        (_atom, _atomRepeats) = (group.Start, _groupRepeats);
        (_flags, _groupRepeats) = (group.Flags, group.Repeats);
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
                $"'{quantifier}' repeats a repetition; RE2 has no possessive quantifiers. Group what it shall repeat: (?:...){quantifier}.");
        }

        if (_atom < 0)
        {
            throw new FormatException(
                $"There is nothing before '{quantifier}' that it could repeat; write \\{quantifier[0]} for the character.");
        }

        var count = max ?? min;
        if (min > MaxRepeats || count > MaxRepeats || min > count || count * _atomRepeats > MaxRepeats)
        {
            throw new FormatException(FormattableString.Invariant(
                $"'{quantifier}' is no possible count: RE2 repeats at most {MaxRepeats} times, nested counts multiplied."));
        }

        _atomRepeats = max is 0 ? 1 : Math.Max(1, count) * _atomRepeats;
        _ = _out.Insert(_atom, "(?:").Append(')').Append((min, max) switch
        {
            (0, null) => "*",
            (1, null) => "+",
            (0, 1) => "?",
            (_, null) => FormattableString.Invariant($"{{{min},}}"),
            _ => FormattableString.Invariant($"{{{min},{max}}}"),
        });
        if (lazy)
        {
            _ = _out.Append('?');
        }

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

    private void Literal(int point)
    {
        if (Has(Flags.IgnoreCase))
        {
            Write(CodePointSet.Of((point, point)).FoldCase());
        }
        else if (point < 0x80 && char.IsAsciiLetterOrDigit((char)point))
        {
            BeginAtom();
            _ = _out.Append((char)point);
        }
        else
        {
            Write(CodePointSet.Of((point, point)));
        }
    }

    private void Write(CodePointSet set)
    {
        BeginAtom();
        _ = _out.Append(set);
    }

    private void Anchor(string anchor)
    {
        BeginAtom();
        _ = _out.Append(anchor);
    }

    private void BeginAtom()
    {
        FinishAtom();
        _atom = _out.Length;
    }

    private void FinishAtom()
    {
        if (_atom >= 0)
        {
            _groupRepeats = Math.Max(_groupRepeats, _atomRepeats);
        }

        (_atom, _atomRepeats) = (-1, 1);
    }

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
}
