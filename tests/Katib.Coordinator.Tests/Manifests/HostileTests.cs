using System.Text;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class HostileTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 30)];

    [Theory]
    [InlineData("")]
    [InlineData("\uFEFF")]
    [InlineData("   \n\n")]
    [InlineData("---\n---\n")]
    [InlineData("null")]
    public void An_empty_file_is_one_problem(string text)
    {
        var problem = Assert.Single(ExperimentYaml.Parse(text).Problems);

        Assert.Contains("the file is empty", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: b\nc: \0", 2, "U+0000")]
    [InlineData("\u0001\u0002PNG", 1, "U+0001")]
    [InlineData("a\r\nb\r\n\uFFFF", 3, "U+FFFF")]
    public void Binary_is_refused_where_it_begins(string text, int line, string character)
    {
        var problem = Assert.Single(ExperimentYaml.Parse(text).Problems);

        Assert.Equal(line, problem.Line);
        Assert.Contains(character, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    public void Deep_nesting_is_refused(string opening)
    {
        var text = new StringBuilder().Insert(0, opening, 100_000).ToString();

        var problem = Assert.Single(ExperimentYaml.Parse(text).Problems);

        Assert.Contains("nest deeper than the 50 levels", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_by_aliases_is_refused()
    {
        var text = new StringBuilder("a0: &a0 []\n");
        for (var i = 1; i < 60; i++)
        {
            _ = text.Append(null, $"a{i}: &a{i} [*a{i - 1}]\n");
        }

        var problem = Assert.Single(ExperimentYaml.Parse(text.ToString()).Problems);

        Assert.Contains("nest deeper than the 50 levels", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_billion_laughs_are_refused_before_they_are_laughed()
    {
        var text = new StringBuilder("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for (var i = 1; i < 10; i++)
        {
            _ = text.Append(null, $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1} ", 9))}]\n");
        }

        var problem = Assert.Single(ExperimentYaml.Parse(text.ToString()).Problems);

        Assert.Contains("stand for more than the 1048576 characters", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_too_long_is_refused()
    {
        var problem = Assert.Single(ExperimentYaml.Parse(new string(' ', YamlReader.MaxLength + 1)).Problems);

        Assert.Contains("longer than the 1048576 characters", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_too_long_is_refused()
    {
        var problem = Assert.Single(ExperimentYaml.Parse($"{{\"{new string('k', 600)}\": 1}}").Problems);

        Assert.Contains("a key is longer than the 512 characters", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_escape_beyond_unicode_is_a_problem_and_no_crash()
    {
        var problem = Assert.Single(ExperimentYaml.Parse("a: 1\nb: \"\\UFFFFFFFF\"\n").Problems);

        Assert.InRange(problem.Line, 1, 2);
        Assert.Contains("escape", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hundred_problems_are_shown_and_the_rest_is_counted()
    {
        var text = string.Concat(Enumerable.Range(0, 50_000).Select(static i => $"unknown{i}: x\n"));

        var problems = ExperimentYaml.Parse(text).Problems;

        Assert.Equal(101, problems.Length);
        Assert.Contains("49904 more problems follow", problems[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_problem_is_one_line_whatever_the_value()
    {
        var text = Corpus.Read("Valid", "random.yaml").Replace(
            "algorithmName: random", $"algorithmName: random\n    \"a\\nb\\e\\N\": \"{new string('x', 500)}\\n\"", StringComparison.Ordinal);

        var problem = Assert.Single(ExperimentYaml.Parse(text).Problems);

        Assert.Equal(
            $"digits.yaml:12 spec.algorithm['a\\nb\uFFFD\uFFFD'] '{new string('x', 60)}…': is no field of an Experiment; remove it",
            problem.In("digits.yaml"));
    }

    [Fact]
    public void Half_a_character_is_refused()
    {
        var problem = Assert.Single(ExperimentYaml.Parse($"a: b\nc: {(char)0xDC00}").Problems);

        Assert.Equal((2, "the character U+DC00 stands here: this is no text file"), (problem.Line, problem.Message));
    }

    [Fact]
    public void Lists_beyond_reason_are_refused_unread()
    {
        var text = Corpus.Read("Valid", "random.yaml")
            .Replace("    - name: lr", $"{Numbered("    - {{name: p{0}}}\n")}    - name: lr", StringComparison.Ordinal)
            .Replace("      - name: learn", $"{Numbered("      - {{name: t{0}}}\n")}      - name: learn", StringComparison.Ordinal);

        var problems = ExperimentYaml.Parse(text).Problems;

        Assert.Equal(
            ["spec.parameters: has 10001 items, and at most 500 are read; shorten it",
                "spec.trialTemplate.trialParameters: has 10001 items, and at most 500 are read; shorten it"],
            problems.Select(static p => $"{p.Path}: {p.Message}"));

        static string Numbered(string format) => string.Concat(Enumerable.Range(0, 10_000).Select(i => string.Format(null, format, i)));
    }

    [Fact]
    public void A_bracket_that_YamlDotNet_stumbles_over_is_a_problem()
    {
        var problem = Assert.Single(ExperimentYaml.Parse("a: x\n[\nb: 1").Problems);

        Assert.InRange(problem.Line, 1, 2);
        Assert.Contains("around here a bracket", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>Valid files with characters cut out, doubled, swapped and put in: any answer but an exception.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_damage_makes_the_reader_crash(int seed)
    {
        const string Signs = " \t\n\r:-?[]{},&*!|>'\"%@`#~<=\\/0a\0\uFEFF\u0085\u2028";
        var texts = Corpus.Names("Valid").Select(static n => Corpus.Read("Valid", n)).ToArray();
        var random = new Philox(Philox.KeyOf($"damage {seed}"));
        var draws = new double[5];
        for (ulong i = 0; i < 100; i++)
        {
            random.Fill(10 * i, draws);
            var text = texts[(int)(draws[0] * texts.Length)];
            for (ulong edit = 1; edit <= 1 + (ulong)(draws[1] * 8); edit++)
            {
                random.Fill((10 * i) + edit, draws);
                var at = (int)(draws[1] * text.Length);
                var sign = new string(Signs[(int)(draws[2] * Signs.Length)], (int)(draws[3] * 4));
                text = string.Concat(text.AsSpan(0, at), sign, text.AsSpan(Math.Min(text.Length, at + (int)(draws[4] * 7))));
            }

            var parsed = ExperimentYaml.Parse(text);

            Assert.Equal(parsed.IsValid, parsed.Problems.IsEmpty);
        }
    }
}
