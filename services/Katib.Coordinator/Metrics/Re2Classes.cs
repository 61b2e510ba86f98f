using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;

namespace Katib.Coordinator.Metrics;

/// <summary>The named character classes of RE2: Perl's, POSIX's and Unicode's general categories.</summary>
internal static class Re2Classes
{
    private static readonly FrozenDictionary<char, CodePointSet> PerlClasses = new Dictionary<char, CodePointSet>
    {
        ['d'] = CodePointSet.Of(('0', '9')),
        ['s'] = CodePointSet.Of(('\t', '\n'), ('\f', '\r'), (' ', ' ')),
        ['w'] = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, CodePointSet> PosixClasses = new Dictionary<string, CodePointSet>
    {
        ["alnum"] = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('a', 'z')),
        ["alpha"] = CodePointSet.Of(('A', 'Z'), ('a', 'z')),
        ["ascii"] = CodePointSet.Of((0, 0x7F)),
        ["blank"] = CodePointSet.Of(('\t', '\t'), (' ', ' ')),
        ["cntrl"] = CodePointSet.Of((0, 0x1F), (0x7F, 0x7F)),
        ["digit"] = CodePointSet.Of(('0', '9')),
        ["graph"] = CodePointSet.Of(('!', '~')),
        ["lower"] = CodePointSet.Of(('a', 'z')),
        ["print"] = CodePointSet.Of((' ', '~')),
        ["punct"] = CodePointSet.Of(('!', '/'), (':', '@'), ('[', '`'), ('{', '~')),
        ["space"] = CodePointSet.Of(('\t', '\r'), (' ', ' ')),
        ["upper"] = CodePointSet.Of(('A', 'Z')),
        ["word"] = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')),
        ["xdigit"] = CodePointSet.Of(('0', '9'), ('A', 'F'), ('a', 'f')),
    }.ToFrozenDictionary();

    // Cn is left out on purpose: the RE2 of Go knew no such category when Katib was built.
    private static readonly FrozenDictionary<string, UnicodeCategory> Categories =
        new Dictionary<string, UnicodeCategory>
    {
        ["Cc"] = UnicodeCategory.Control,
        ["Cf"] = UnicodeCategory.Format,
        ["Co"] = UnicodeCategory.PrivateUse,
        ["Cs"] = UnicodeCategory.Surrogate,
        ["Ll"] = UnicodeCategory.LowercaseLetter,
        ["Lm"] = UnicodeCategory.ModifierLetter,
        ["Lo"] = UnicodeCategory.OtherLetter,
        ["Lt"] = UnicodeCategory.TitlecaseLetter,
        ["Lu"] = UnicodeCategory.UppercaseLetter,
        ["Mc"] = UnicodeCategory.SpacingCombiningMark,
        ["Me"] = UnicodeCategory.EnclosingMark,
        ["Mn"] = UnicodeCategory.NonSpacingMark,
        ["Nd"] = UnicodeCategory.DecimalDigitNumber,
        ["Nl"] = UnicodeCategory.LetterNumber,
        ["No"] = UnicodeCategory.OtherNumber,
        ["Pc"] = UnicodeCategory.ConnectorPunctuation,
        ["Pd"] = UnicodeCategory.DashPunctuation,
        ["Pe"] = UnicodeCategory.ClosePunctuation,
        ["Pf"] = UnicodeCategory.FinalQuotePunctuation,
        ["Pi"] = UnicodeCategory.InitialQuotePunctuation,
        ["Po"] = UnicodeCategory.OtherPunctuation,
        ["Ps"] = UnicodeCategory.OpenPunctuation,
        ["Sc"] = UnicodeCategory.CurrencySymbol,
        ["Sk"] = UnicodeCategory.ModifierSymbol,
        ["Sm"] = UnicodeCategory.MathSymbol,
        ["So"] = UnicodeCategory.OtherSymbol,
        ["Zl"] = UnicodeCategory.LineSeparator,
        ["Zp"] = UnicodeCategory.ParagraphSeparator,
        ["Zs"] = UnicodeCategory.SpaceSeparator,
    }.ToFrozenDictionary();

    private static readonly ConcurrentDictionary<string, CodePointSet> UnicodeClasses = new();

    /// <summary><c>d</c>, <c>s</c> or <c>w</c>: ASCII only, whatever the text.</summary>
    public static CodePointSet? Perl(char letter) => PerlClasses.GetValueOrDefault(letter);

    /// <summary>The class of <c>[[:name:]]</c>.</summary>
    public static CodePointSet? Posix(string name) => PosixClasses.GetValueOrDefault(name);

    /// <summary>The class of <c>\p{name}</c>; null for scripts and for what is no name at all.</summary>
    public static CodePointSet? Unicode(string name)
    {
        if (name is "Any")
        {
            return CodePointSet.Everything;
        }

        var categories = Categories
            .Where(category => category.Key == name || (name.Length is 1 && category.Key[0] == name[0]))
            .Select(static category => category.Value)
            .ToArray();

        // All of Unicode is gone through for a class, so each is computed once; there are fewer than forty.
        return categories.Length is 0 ? null : UnicodeClasses.GetOrAdd(name, _ => CodePointSet.Of(categories));
    }
}
