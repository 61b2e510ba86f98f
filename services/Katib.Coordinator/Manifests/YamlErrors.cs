using System.Text.RegularExpressions;
using YamlDotNet.Core;

namespace Katib.Coordinator.Manifests;

/// <summary>Says in words why a text cannot be read as YAML.</summary>
internal static partial class YamlErrors
{
    /// <summary>Parts of YamlDotNet's messages, and what a user does about them.</summary>
    private static readonly (string Part, string Remedy)[] Remedies =
    [
        ("invalid mapping", "a value that holds ': ' must stand in quotes"),
        ("cannot start any token", "a value that begins with this character must stand in quotes"),
        ("quoted scalar", "look for the quote that is missing"),
        ("expected ',' or", "look for the bracket that is missing; inside { } and [ ] a ${placeholder} must stand in quotes"),
        ("expected key", "it is indented differently from its neighbours"),
        ("simple key", "look for a ':' that is missing after a key"),
    ];

    /// <summary>The line and the reason why this is no manifest at all; null when it may be one.</summary>
    public static (int Line, string Message)? Unreadable(string text)
    {
        if (text.Length > YamlReader.MaxLength)
        {
            return (1, $"the file is longer than the {YamlReader.MaxLength} characters that are read");
        }

        if (Unprintable.Match(text) is { Success: true } found)
        {
            return (LineAt(text, found.Index), $"the character U+{(int)found.ValueSpan[0]:X4} stands here: this is no text file");
        }

        return null;
    }

    /// <summary>The line and the reason of an error of the parser's or the reader's.</summary>
    public static (int Line, string Message) Explain(YamlException error, string text)
    {
        var line = Math.Max(1, (int)error.Start.Line);
        var message = error.Message.TrimEnd('.');
        if (message.Contains("tab ", StringComparison.Ordinal) && TabIndent.Match(text, StartOf(text, line)) is { Success: true } tab)
        {
            return (LineAt(text, tab.Index), "is not valid YAML: the line is indented with a tab; use spaces");
        }

        if (!message.StartsWith("While", StringComparison.Ordinal))
        {
            return (line, message);
        }

        var remedy = Remedies.FirstOrDefault(r => message.Contains(r.Part, StringComparison.Ordinal)).Remedy
            ?? "look at this line and the one before";
        return (line, $"is not valid YAML: w{message[1..]}; {remedy}");
    }

    private static int LineAt(string text, int index) => 1 + LineBreak.Count(text.AsSpan(0, index));

    private static int StartOf(string text, int line) =>
        line is 1 ? 0 : LineBreak.Matches(text).Skip(line - 2).FirstOrDefault() is { } found ? found.Index + found.Length : 0;

    /// <summary>Controls that no text holds, halves of characters, and the two that are none.</summary>
    [GeneratedRegex(@"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]")]
    private static partial Regex Unprintable { get; }

    [GeneratedRegex(@"^ *\t", RegexOptions.Multiline)]
    private static partial Regex TabIndent { get; }

    [GeneratedRegex(@"\r\n|\r|\n")]
    private static partial Regex LineBreak { get; }
}
