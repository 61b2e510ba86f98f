using System.Text;

namespace Katib.Coordinator.Runners.Templates;

/// <summary>Kubernetes' own expansion of <c>$(NAME)</c> in command, args and the values of env.</summary>
internal static class VariableExpansion
{
    /// <summary>Fills in what is known. What is not stays as it stands, and <c>$$</c> is one dollar sign.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
        {
            return text;
        }

        var expanded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not '$' || i + 1 == text.Length)
            {
                _ = expanded.Append(text[i]);
                continue;
            }

            var next = text[++i];
            var close = next is '(' ? text.IndexOf(')', i) : -1;
            if (close < 0)
            {
                _ = next is '$' ? expanded.Append('$') : expanded.Append('$').Append(next);
                continue;
            }

            var name = text[(i + 1)..close];
            _ = variables.TryGetValue(name, out var value)
                ? expanded.Append(value)
                : expanded.Append("$(").Append(name).Append(')');
            i = close;
        }

        return expanded.ToString();
    }
}
