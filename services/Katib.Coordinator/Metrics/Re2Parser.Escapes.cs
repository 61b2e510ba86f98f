namespace Katib.Coordinator.Metrics;

/// <content>Escapes, character classes and what follows <c>(?</c>.</content>
internal sealed partial class Re2Parser
{
    private void OpenSpecial()
    {
        if (Ahead("(?=") || Ahead("(?!") || Ahead("(?<=") || Ahead("(?<!"))
        {
            throw new FormatException(
                "RE2 has no look-ahead and no look-behind: match the surroundings too, outside the groups.");
        }

        if (Ahead("(?P<") || Ahead("(?<"))
        {
            OpenNamed();
            return;
        }

        var start = _at;
        var (on, off, negative, some) = (Flags.None, Flags.None, false, false);
        for (_at += 2; _at < pattern.Length; _at++)
        {
            var flag = pattern[_at] switch
            {
                'i' => Flags.IgnoreCase,
                's' => Flags.DotMatchesNewline,
                'm' => Flags.MultiLine,
                'U' => Flags.Ungreedy,
                _ => Flags.None,
            };
            if (flag is not Flags.None)
            {
                some = true;
                (on, off) = negative ? (on & ~flag, off | flag) : (on | flag, off);
            }
            else if (pattern[_at] is '-' && !negative)
            {
                (negative, some) = (true, false);
            }
            else if (pattern[_at] is ':' or ')' && (some || !negative))
            {
                var group = pattern[_at++] is ':';
                if (group)
                {
                    Open(number: null);
                }

                _flags = (_flags | on) & ~off;
                return;
            }
            else
            {
                break;
            }
        }

        throw new FormatException(
            $"'{pattern[start..Math.Min(_at + 1, pattern.Length)]}' opens no group of RE2; "
            + "it has (?:...), (?P<name>...) and the flags i, m, s, U.");
    }

    private void OpenNamed()
    {
        var first = pattern.IndexOf('<', _at) + 1;
        var end = pattern.IndexOf('>', _at);
        var name = end < 0 ? "" : pattern[first..end];
        if (name.Length is 0 || !name.All(static c => c is '_' || char.IsAsciiLetterOrDigit(c)))
        {
            throw new FormatException(
                $"'{pattern[_at..(end < 0 ? pattern.Length : end + 1)]}' is no named group; "
                + "a name consists of letters, digits and underscores.");
        }

        _at = end + 1;
        Open(++GroupCount);
    }

    private void Escape()
    {
        switch (_at + 1 < pattern.Length ? pattern[_at + 1] : '\0')
        {
            case 'A':
                _at += 2;
                Add(new Re2Node.At(Re2Place.TextStart));
                break;
            case 'z':
                _at += 2;
                Add(new Re2Node.At(Re2Place.TextEnd));
                break;
            case 'b' or 'B':
                _at += 2;
                Add(new Re2Node.At(pattern[_at - 1] is 'b' ? Re2Place.WordBoundary : Re2Place.NoWordBoundary));
                break;
            case 'Q':
                var end = pattern.IndexOf(@"\E", _at + 2, StringComparison.Ordinal);
                var stop = end < 0 ? pattern.Length : end;
                for (_at += 2; _at < stop;)
                {
                    Literal(NextPoint());
                }

                _at = end < 0 ? stop : stop + 2;
                break;
            default:
                if (TryReadNamedSet(out var set))
                {
                    Add(new Re2Node.One(set));
                }
                else
                {
                    Literal(ReadEscapedPoint());
                }

                break;
        }
    }

    private CodePointSet ReadClass()
    {
        _at++;
        var negated = Take('^');
        var set = CodePointSet.Empty;
        for (var first = true; first || !Ahead("]"); first = false)
        {
            if (TryReadNamedSet(out var named))
            {
                set = set.Union(named);
                continue;
            }

            var start = _at;
            var low = ReadClassPoint();
            var high = low;
            if (_at + 1 < pattern.Length && pattern[_at] is '-' && pattern[_at + 1] is not ']')
            {
                _at++;
                high = ReadClassPoint();
                if (high < low)
                {
                    throw new FormatException($"The range '{pattern[start.._at]}' ends before it starts.");
                }
            }

            set = set.Union(Folded(CodePointSet.Of((low, high))));
        }

        _at++;
        return negated ? set.Complement() : set;
    }

    private int ReadClassPoint()
    {
        if (_at >= pattern.Length)
        {
            throw new FormatException(@"A '[' is not closed; write \[ for the character.");
        }

        return pattern[_at] is '\\' ? ReadEscapedPoint() : NextPoint();
    }

    // \d, \pL and, where a class is being read, [:alpha:].
    private bool TryReadNamedSet(out CodePointSet set)
    {
        set = CodePointSet.Empty;
        var end = Ahead("[:") ? pattern.IndexOf(":]", _at + 2, StringComparison.Ordinal) : -1;
        if (end >= 0)
        {
            var name = pattern[(_at + 2)..end];
            var negated = name.StartsWith('^');
            set = Signed(Re2Classes.Posix(negated ? name[1..] : name), negated, $"[:{name}:]");
            _at = end + 2;
            return true;
        }

        if (pattern.AsSpan(_at) is not ['\\', var letter, ..])
        {
            return false;
        }

        if (letter is 'p' or 'P')
        {
            set = ReadUnicodeSet(negated: letter is 'P');
            return true;
        }

        if (Re2Classes.Perl(char.ToLowerInvariant(letter)) is not { } perl)
        {
            return false;
        }

        _at += 2;
        set = Signed(perl, char.IsAsciiLetterUpper(letter), letter.ToString());
        return true;
    }

    private CodePointSet ReadUnicodeSet(bool negated)
    {
        var start = _at;
        _at += 2;
        var name = "";
        if (Take('{'))
        {
            var end = pattern.IndexOf('}', _at);
            (name, _at) = end < 0 ? ("", pattern.Length) : (pattern[_at..end], end + 1);
        }
        else if (_at < pattern.Length)
        {
            var letter = _at;
            _ = NextPoint();
            name = pattern[letter.._at];
        }

        negated ^= name.StartsWith('^');
        return Signed(Re2Classes.Unicode(name.TrimStart('^')), negated, pattern[start.._at]);
    }

    // Case is folded before the complement is taken: (?i)\W has no letter s, be it long.
    private CodePointSet Signed(CodePointSet? set, bool negated, string spelling)
    {
        var folded = Folded(set ?? throw new FormatException(
            $"'{spelling}' is no known character class: there are POSIX's names "
            + "and Unicode's general categories (L, Lu, Nd, ...), but no scripts."));
        return negated ? folded.Complement() : folded;
    }

    private CodePointSet Folded(CodePointSet set) => Has(Flags.IgnoreCase) ? set.FoldCase() : set;

    private int ReadEscapedPoint()
    {
        var start = _at++;
        if (_at >= pattern.Length)
        {
            throw new FormatException(@"The expression ends with a single '\'; write \\ for the character.");
        }

        var letter = NextPoint();
        switch (letter)
        {
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case 'x' when TryReadHex(out var point):
                return point;
            case >= '0' and <= '7' when letter is '0' || (_at < pattern.Length && IsOctal(pattern[_at])):
                var octal = letter - '0';
                for (var digits = 1; digits < 3 && _at < pattern.Length && IsOctal(pattern[_at]); digits++)
                {
                    octal = (octal * 8) + (pattern[_at++] - '0');
                }

                return octal;
            case >= '1' and <= '9':
                throw new FormatException(
                    $"'{pattern[start.._at]}' is a back-reference, which RE2 does not have; "
                    + "write what shall match once more.");
            case < 0x80 when !char.IsAsciiLetterOrDigit((char)letter):
                return letter;
            default:
                throw new FormatException($"'{pattern[start.._at]}' is no escape that RE2 knows.");
        }
    }

    private bool TryReadHex(out int point)
    {
        point = 0;
        var braces = Take('{');
        var end = braces ? pattern.IndexOf('}', _at) : Math.Min(_at + 2, pattern.Length);
        var digits = end < 0 ? "" : pattern[_at..end];
        if (digits.Length is 0 || (!braces && digits.Length < 2) || !digits.All(char.IsAsciiHexDigit))
        {
            return false;
        }

        foreach (var digit in digits)
        {
            point = (point * 16) + Convert.ToInt32(digit.ToString(), 16);
            if (point > 0x10FFFF)
            {
                return false;
            }
        }

        _at = braces ? end + 1 : end;
        return true;
    }

    private bool Take(char expected)
    {
        var there = _at < pattern.Length && pattern[_at] == expected;
        _at += there ? 1 : 0;
        return there;
    }

    private static bool IsOctal(char digit) => digit is >= '0' and <= '7';
}
