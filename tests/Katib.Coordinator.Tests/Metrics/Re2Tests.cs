using System.Diagnostics;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Tests.Metrics;

public sealed class Re2Tests
{
    [Theory]

    // Perl's classes are ASCII, alone, negated and inside a class.
    [InlineData(@"\w+", "äa_Z9ö", "a_Z9")]
    [InlineData(@"\W+", "aäé b", "äé ")]
    [InlineData(@"\d+", "٣12", "12")]
    [InlineData(@"\D+", "1٣a2", "٣a")]
    [InlineData(@"a\sb", "a\u00A0b", null)]
    [InlineData(@"a\sb", "a\vb", null)]
    [InlineData(@"a\sb", "a\fb", "a\fb")]
    [InlineData(@"\S+", " \v\u00A0x ", "\v\u00A0x")]
    [InlineData(@"[\w|-]+", "é|a-1", "|a-1")]
    [InlineData(@"[^\w]+", "aéb", "é")]
    [InlineData(@"[^\d\s]+", "1 x٣ 2", "x٣")]
    [InlineData(@"[\W]+", "aéb", "é")]
    [InlineData(@"[\S ]+", "\ta b\n", "a b")]

    // POSIX.
    [InlineData(@"[[:alpha:]]+", "é1ab2", "ab")]
    [InlineData(@"[[:^alpha:]]+", "aé1b", "é1")]
    [InlineData(@"[^[:^digit:]]+", "a12b", "12")]
    [InlineData(@"[[:space:]]", "\v", "\v")]
    [InlineData(@"[[:punct:]]+", "a!~b", "!~")]
    [InlineData(@"[[:word:][:blank:]]+", "é a_ é", " a_ ")]
    [InlineData(@"[[:xdigit:]]+", "gFf0g", "Ff0")]
    [InlineData(@"[:alpha:]+", "xyz:ah", ":ah")]
    [InlineData(@"[[:alpha]+", "xyz[ah", "[ah")]

    // Unicode's general categories.
    [InlineData(@"\pL+", "1äß2", "äß")]
    [InlineData(@"\p{Lu}+", "aÄÖb", "ÄÖ")]
    [InlineData(@"\PL+", "ä12ö", "12")]
    [InlineData(@"\p{^L}+", "ä12ö", "12")]
    [InlineData(@"\P{^Nd}+", "a٣b", "٣")]
    [InlineData(@"[\pN_]+", "a1_٣b", "1_٣")]
    [InlineData(@"\p{Any}", "\n", "\n")]
    [InlineData(@"\pL+", "1𝒜𝒞2", "𝒜𝒞")]

    // Classes.
    [InlineData(@"[]a]+", "x]a]", "]a]")]
    [InlineData(@"[^]a]+", "]axy]", "xy")]
    [InlineData(@"[a-]+", "b-a-", "-a-")]
    [InlineData(@"[a-c-e]+", "dca-e", "ca-e")]
    [InlineData(@"[\w-z]+", "!a-z!", "a-z")]
    [InlineData(@"[+--]+", "a+,-b", "+,-")]
    [InlineData(@"[a\]b]+", "x]ab", "]ab")]
    [InlineData(@"[[a]+", "x[a", "[a")]
    [InlineData(@"[a&&b]+", "x&b", "&b")]
    [InlineData(@"[a-z-[b]]", "b]", "b]")]
    [InlineData(@"[^a]", "\n", "\n")]
    [InlineData(@"[^\x00-\x{10FFFF}]", "a", null)]

    // Dots and ends.
    [InlineData(@"a.b", "a\rb", "a\rb")]
    [InlineData(@"a.b", "a\nb", null)]
    [InlineData(@"(?s)a.b", "a\nb", "a\nb")]
    [InlineData(@"(?s:a.)b.", "a\nb\n", null)]
    [InlineData(@"a$", "a\n", null)]
    [InlineData(@"a\z", "a\n", null)]
    [InlineData(@"a$", "ba", "a")]
    [InlineData(@"(?m)a$", "a\nb", "a")]
    [InlineData(@"(?m)^b", "a\nb", "b")]
    [InlineData(@"^b", "a\nb", null)]
    [InlineData(@"(?m)\Ab", "a\nb", null)]
    [InlineData(@"(?m)a\z", "a\nb", null)]
    [InlineData(@"(?m)(?-m)^b", "a\nb", null)]
    [InlineData(@"\bloss\b", "aloss loss", "loss")]
    [InlineData(@"\Boss", "oss loss", "oss")]
    [InlineData(@"\bloss", "éloss", "loss")]
    [InlineData(@"\w\b.", "aé", "aé")]
    [InlineData(@"\B", "", "")]

    // Case.
    [InlineData(@"(?i)LOSS", "lOsS", "lOsS")]
    [InlineData(@"(?i)k", "\u212A", "\u212A")]
    [InlineData(@"(?i)[a-z]+", "1\u017F\u212A2", "\u017F\u212A")]
    [InlineData(@"(?i)s", "\u017F", "\u017F")]
    [InlineData(@"(?i)σ", "ς", "ς")]
    [InlineData(@"(?i)i", "İ", null)]
    [InlineData(@"(?i)i", "ı", null)]
    [InlineData(@"(?i)\W", "\u017F", null)]
    [InlineData(@"(?i)[^k]", "\u212A", null)]
    [InlineData(@"(?i:a)b", "AB", null)]
    [InlineData(@"(?i:a)b", "Ab", "Ab")]
    [InlineData(@"(?i)a|B", "b", "b")]
    [InlineData(@"((?i)a)b", "AB", null)]
    [InlineData(@"(?i)\QaB\E", "Ab", "Ab")]
    [InlineData(@"(?i-i)a", "A", null)]

    // Greed.
    [InlineData(@"a+?", "aaa", "a")]
    [InlineData(@"(?U)a+", "aaa", "a")]
    [InlineData(@"(?U)a+?", "aaa", "aaa")]
    [InlineData(@"(?U:a*)a", "aaa", "a")]
    [InlineData(@"a{2,3}?", "aaa", "aa")]
    [InlineData(@"a|ab", "ab", "a")]

    // Repetition, and braces that are none.
    [InlineData(@"a{2}", "aaa", "aa")]
    [InlineData(@"a{2,}", "aaa", "aaa")]
    [InlineData(@"a{0}b", "ab", "b")]
    [InlineData(@"a{,2}", "aa{,2}", "a{,2}")]
    [InlineData(@"a{01}", "a{01}", "a{01}")]
    [InlineData(@"a{1,2,3}", "a{1,2,3}", "a{1,2,3}")]
    [InlineData(@"{x}", "{x}", "{x}")]
    [InlineData(@"a*{", "aa{", "aa{")]
    [InlineData(@"x{1001", "x{1001", "x{1001")]
    [InlineData(@"^*a", "a", "a")]
    [InlineData(@"a(?i)*b", "aaB", "aaB")]
    [InlineData(@"(|a)*b", "aab", "aab")]
    [InlineData(@"(?:a{10}){100}", "a", null)]

    // Escapes.
    [InlineData(@"\Q+|*?{[\E", "+|*?{[", "+|*?{[")]
    [InlineData(@"\Qab\E+", "abb", "abb")]
    [InlineData(@"\Q\\E", @"\", @"\")]
    [InlineData(@"\Qa.c", "a.c", "a.c")]
    [InlineData(@"\x41\x{1F600}\101\0\12", "A😀A\0\n", "A😀A\0\n")]
    [InlineData(@"\a\f\n\r\t\v", "\a\f\n\r\t\v", "\a\f\n\r\t\v")]
    [InlineData(@"\_\-\ \#\""", "_- #\"", "_- #\"")]
    [InlineData("a b # c", "a b # c", "a b # c")]

    // Beyond the basic plane a character is one.
    [InlineData(@"^.$", "😀", "😀")]
    [InlineData(@"^[^a]$", "😀", "😀")]
    [InlineData(@"😀{2}", "😀😀", "😀😀")]
    [InlineData(@"[😀-😂]+", "😃😁😂", "😁😂")]
    [InlineData(@"[\x{FFFF}-\x{10401}]+", "\U00010402\U00010401\uFFFF", "\U00010401\uFFFF")]
    [InlineData(@"[\x{103FF}-\x{10C01}]+", "\U00010C02\U00010C01\U00010800\U000103FF\U000103FE", "\U00010C01\U00010800\U000103FF")]

    // What the non-backtracking engine of .NET 10 gets wrong.
    [InlineData("c*a*1", "a- 11", "1")]
    [InlineData("c?a+?", "cA1aa1", "a")]
    [InlineData(@"\[?(\w+)\]?\s*(\d*\.?\d+)", "e   }epoch [  0.5epoch =0.5", "0.5")]

    // Nothing.
    [InlineData("", "a", "")]
    [InlineData("a||b", "c", "")]
    public void An_expression_means_what_it_means_in_RE2(string pattern, string text, string? expected)
    {
        var match = Parse(pattern).Matches(text).FirstOrDefault();

        Assert.Equal(expected, match?[0].ToString());
    }

    [Theory]
    [InlineData(@"(?P<name>\w+)=(?P<value>\d+)", "a=1")]
    [InlineData(@"(?<n>\w+)(?:=)(\d+)", "a=1")]
    [InlineData(@"(\w+)=(?P<name>\d+)", "a=1")]
    [InlineData(@"(?P<n>\w+)=(?P<n>\d+)", "a=1")]
    [InlineData(@"(?i:(\w+)=(\d+))", "a=1")]
    public void Groups_are_numbered_in_order_named_or_not(string pattern, string text)
    {
        var match = Assert.Single(Parse(pattern).Matches(text));

        Assert.Equal(["a=1", "a", "1"], Enumerable.Range(0, 3).Select(group => match[group].ToString()));
    }

    [Theory]
    [InlineData(@"(a)\1", "back-reference")]
    [InlineData(@"\8", "back-reference")]
    [InlineData(@"(?=a)", "look-ahead")]
    [InlineData(@"(?!a)", "look-ahead")]
    [InlineData(@"(?<=a)b", "look-behind")]
    [InlineData(@"(?<!a)b", "look-behind")]
    [InlineData(@"(?>a)", "'(?>'")]
    [InlineData(@"(?#a)", "'(?#'")]
    [InlineData(@"(?P=n)", "'(?P'")]
    [InlineData(@"(?x)a", "'(?x'")]
    [InlineData(@"(?-)a", "'(?-)'")]
    [InlineData(@"(?i", "'(?i'")]
    [InlineData(@"(?P<n", "no named group")]
    [InlineData(@"(?P<>a)", "no named group")]
    [InlineData(@"(?P<x y>a)", "no named group")]
    [InlineData(@"a++", "possessive")]
    [InlineData(@"a*+", "possessive")]
    [InlineData(@"a**", "repeats a repetition")]
    [InlineData(@"a{2}{3}", "repeats a repetition")]
    [InlineData(@"a???", "repeats a repetition")]
    [InlineData(@"*a", "nothing before '*'")]
    [InlineData(@"(+)", "nothing before '+'")]
    [InlineData(@"a|?", "nothing before '?'")]
    [InlineData(@"\Q\E*", "nothing before '*'")]
    [InlineData(@"a{1001}", "at most 1000")]
    [InlineData(@"a{1001,}", "at most 1000")]
    [InlineData(@"a{99999999999999999999}", "at most 1000")]
    [InlineData(@"a{2,1}", "'{2,1}'")]
    [InlineData(@"(?:[a-z]{4}){0,251}", "nested counts")]
    [InlineData(@"((((((((((x{2}){2}){2}){2}){2}){2}){2}){2}){2}){2})", "nested counts")]
    [InlineData(@"(a", "not closed")]
    [InlineData(@"a)", "closes nothing")]
    [InlineData(@"[a", "'[' is not closed")]
    [InlineData(@"[]", "'[' is not closed")]
    [InlineData(@"[b-a]", "'b-a'")]
    [InlineData(@"(?i)[a-Z]", "'a-Z'")]
    [InlineData(@"[a-\d]", @"'\d'")]
    [InlineData(@"[[:foo:]]", "'[:foo:]'")]
    [InlineData(@"\p{Greek}", @"'\p{Greek}'")]
    [InlineData(@"\pX", @"'\pX'")]
    [InlineData(@"\p", @"'\p'")]
    [InlineData(@"\p{L", @"'\p{L'")]
    [InlineData(@"a\", @"single '\'")]
    [InlineData(@"\Z", @"'\Z'")]
    [InlineData(@"\G", @"'\G'")]
    [InlineData(@"\C", @"'\C'")]
    [InlineData(@"\h", @"'\h'")]
    [InlineData(@"\é", @"'\é'")]
    [InlineData(@"[\b]", @"'\b'")]
    [InlineData(@"\x4", @"'\x'")]
    [InlineData(@"\x{}", @"'\x{'")]
    [InlineData(@"\x{110000}", @"'\x{'")]
    public void What_RE2_refuses_is_refused_in_words(string pattern, string expected)
    {
        var readable = Re2.TryParse(pattern, out var expression, out var problem);

        Assert.False(readable);
        Assert.Null(expression);
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_character_is_refused_in_words()
    {
        // Not in the table above: attributes are stored in UTF-8, which has no half characters.
        Assert.False(Re2.TryParse("a\ud83d", out _, out var problem));
        Assert.Contains("surrogate", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_grows_too_large_is_refused_in_words()
    {
        string[] patterns =
        [
            new('a', Re2.MaxLength + 1),
            string.Concat(Enumerable.Repeat(@"(?:\w{10}){100}", 200)),
            string.Concat(Enumerable.Repeat("(xx?){1000}", 10)),
            new string('(', 201) + new string(')', 201),
        ];

        Assert.All(patterns, static pattern =>
        {
            Assert.False(Re2.TryParse(pattern, out _, out var problem));
            Assert.Matches("characters long|too large|too deep", problem);
        });
    }

    [Fact]
    public void Groups_may_nest_two_hundred_deep()
    {
        var expression = Parse(string.Concat(Enumerable.Repeat("(a|b", 200)) + new string(')', 200) + "*");

        var match = Assert.Single(expression.Matches(new string('b', 199) + "a"));

        Assert.Equal(200, expression.GroupCount);
        Assert.Equal("a", match[200].ToString());
    }

    [Fact]
    public void A_catastrophic_expression_takes_time_in_proportion_to_the_text()
    {
        var expression = Parse("(a+)+$");
        var text = new string('a', 1_000_000) + "!";

        var watch = Stopwatch.StartNew();
        var matches = expression.Matches(text);

        Assert.Empty(matches);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), "A backtracking matcher would not have come back.");
    }

    [Theory]
    [InlineData("a*", "baac", "0-0 1-3 4-4")]
    [InlineData("a*?", "aa", "0-0 1-1 2-2")]
    [InlineData("", "a😀", "0-0 1-1 3-3")]
    [InlineData("a|ab", "abab", "0-1 2-3")]
    [InlineData("^a", "aaa", "0-1")]
    [InlineData(@"\ba", "aa a", "0-1 3-4")]
    [InlineData("x", "", "")]
    public void All_matches_are_found_from_left_to_right(string pattern, string text, string expected)
    {
        var found = Parse(pattern).Matches(text).Select(static match => $"{match.StartOf(0)}-{match.EndOf(0)}");

        Assert.Equal(expected, string.Join(' ', found));
    }

    [Theory]
    [InlineData("(a)|(b)", "b", "|b")]
    [InlineData("(a|b)*", "abab", "b")]
    [InlineData("(a*)+", "b", "")]
    [InlineData("(a+?)(a*)", "aaa", "a|aa")]
    [InlineData("(?:(a)|b)*", "ab", "a")]
    [InlineData("(a){2,3}?(a*)", "aaaa", "a|aa")]
    [InlineData("(|a)+", "aa", "")]
    [InlineData("(a|ab)(c|bcd)(d*)", "abcd", "a|bcd|")]
    public void A_group_holds_its_last_part_in_the_preferred_match(string pattern, string text, string expected)
    {
        var expression = Parse(pattern);

        var match = expression.Matches(text).First();

        Assert.Equal(expected, string.Join('|', Enumerable.Range(1, expression.GroupCount).Select(group => match[group].ToString())));
    }

    [Fact]
    public void No_mutilated_expression_makes_the_translation_throw()
    {
        const string Whole = @"(?P<n>[\w|-]+)\s*[^[:alpha:]]{1,3}?\p{Zs}\x{41}(?i-s:a|b)\Q*\E+\101$";
        var mutilated = Enumerable.Range(0, Whole.Length)
            .SelectMany(static at => new[] { Whole[..at], Whole[at..], Whole.Remove(at, 1), Whole.Insert(at, "\\") });

        var readable = mutilated.Count(static pattern => Re2.TryParse(pattern, out _, out _));

        Assert.InRange(readable, 1, (Whole.Length * 4) - 1);
    }

    private static Re2 Parse(string pattern)
    {
        Assert.True(Re2.TryParse(pattern, out var expression, out var problem), problem);
        return expression;
    }
}
