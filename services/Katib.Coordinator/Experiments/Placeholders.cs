using System.Text;

namespace Katib.Coordinator.Experiments;

/// <summary>Katib's placeholders in a template's text: <c>${trialParameters.name}</c>.</summary>
internal static class Placeholders
{
    private const string Start = "${trialParameters.";
    private const char End = '}';

    /// <summary>The placeholder of a name, as it stands in a template.</summary>
    public static string Of(string name) => $"{Start}{name}{End}";

    /// <summary>The names that the text refers to, in order; null for a placeholder that is never closed.</summary>
    public static IEnumerable<string?> In(string text)
    {
        for (var at = Find(text, 0); at >= 0;)
        {
            var (name, end) = NameAt(text, at);
            yield return name;
            at = Find(text, end);
        }
    }

    /// <summary>The text with every placeholder that has a value filled in, in one pass.</summary>
    /// <remarks>What a value contains is never looked at again, so that it may contain anything.</remarks>
    public static string Fill(string text, IReadOnlyDictionary<string, string> values)
    {
        var filled = new StringBuilder();
        var done = 0;
        for (var at = Find(text, 0); at >= 0;)
        {
            var (name, end) = NameAt(text, at);
            if (name is not null && values.TryGetValue(name, out var value))
            {
                _ = filled.Append(text, done, at - done).Append(value);
                done = end;
            }

            at = Find(text, end);
        }

        return done is 0 ? text : filled.Append(text, done, text.Length - done).ToString();
    }

    private static int Find(string text, int from) => text.IndexOf(Start, from, StringComparison.Ordinal);

    private static (string? Name, int End) NameAt(string text, int at)
    {
        var first = at + Start.Length;
        var end = text.IndexOf(End, first);
        return end < 0 ? (null, first) : (text[first..end], end + 1);
    }
}
