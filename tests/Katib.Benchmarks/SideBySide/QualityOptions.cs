using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>The options of the command: <c>--name value value</c>.</summary>
internal sealed class QualityOptions
{
    private readonly Dictionary<string, List<string>> _given = new(StringComparer.Ordinal);

    /// <summary>Reads them; only these may be given.</summary>
    public QualityOptions(IEnumerable<string> args, params ReadOnlySpan<string> known)
    {
        List<string>? values = null;
        foreach (var arg in args)
        {
            if (!arg.StartsWith("--", StringComparison.Ordinal))
            {
                (values ?? throw new ArgumentException($"'{arg}' stands before any option.")).Add(arg);
                continue;
            }

            if (!known.Contains(arg))
            {
                throw new ArgumentException($"'{arg}' is not understood.");
            }

            if (!_given.TryGetValue(arg, out values))
            {
                values = _given[arg] = [];
            }
        }
    }

    /// <summary>All values of an option; none when it is not given.</summary>
    public ImmutableArray<string> All(string name) => [.. _given.GetValueOrDefault(name, [])];

    /// <summary>The only value of an option; null when it is not given.</summary>
    public string? One(string name) => All(name) switch
    {
        [] => null,
        [var value] => value,
        _ => throw new ArgumentException($"'{name}' takes one value."),
    };

    /// <summary>The numbers of an option: <c>3</c> or <c>0-19</c>, several of them with commas or spaces.</summary>
    public ImmutableArray<int> Numbers(string name, string fallback)
    {
        var parts = string.Join(',', All(name) is { Length: > 0 } given ? given : [fallback]).Split(',');
        return [.. parts.SelectMany(static part =>
        {
            var ends = part.Split('-').Select(static n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray();
            return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
        })];
    }

    /// <summary>The values <c>key=value</c> of an option.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Pairs(string name) =>
    [
        .. All(name).Select(pair => pair.Split('=', 2) is [var key, var value]
            ? KeyValuePair.Create(key, value)
            : throw new ArgumentException($"'{name} {pair}' is to be key=value.")),
    ];
}
