using System.Collections.Immutable;
using System.Text;

namespace Katib.Coordinator.Manifests;

/// <summary>Collects what is found wrong or doubtful in one manifest.</summary>
internal sealed class Findings
{
    /// <summary>Nobody reads more at once; a broken file of megabytes must not become megabytes of complaints.</summary>
    private const int MaxShown = 100;
    private const int MaxKept = 10_000;
    private const int MaxValueLength = 60;

    private readonly List<ManifestProblem> _problems = [];
    private readonly List<ManifestProblem> _warnings = [];
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
    private int _uncounted;

    /// <summary>Whether anything is wrong.</summary>
    public bool Any => _problems.Count > 0;

    /// <summary>Whether one more will still be shown, so that care for its words is not lost.</summary>
    public bool HasRoom => _problems.Count < MaxShown;

    /// <summary>What is wrong, by line.</summary>
    public ImmutableArray<ManifestProblem> Problems => Shown(_problems, _uncounted);

    /// <summary>What is doubtful, by line.</summary>
    public ImmutableArray<ManifestProblem> Warnings => Shown(_warnings, 0);

    /// <summary>Whether something is wrong at exactly this place.</summary>
    public bool Concern(string path) => _paths.Contains(path);

    public void Wrong(int line, string path, string value, string message)
    {
        if (_problems.Count < MaxKept)
        {
            _ = _paths.Add(path);
            _problems.Add(new(line, path, Shorten(value), message));
        }
        else
        {
            _uncounted++;
        }
    }

    public void Doubt(int line, string path, string value, string message)
    {
        if (_warnings.Count < MaxShown)
        {
            _warnings.Add(new(line, path, Shorten(value), message));
        }
    }

    /// <summary>Any text as something that can stand inside one printed line.</summary>
    public static string Shorten(string text)
    {
        var line = new StringBuilder();
        foreach (var c in text.Length > MaxValueLength ? $"{text.AsSpan(0, MaxValueLength)}…" : text)
        {
            _ = c switch
            {
                '\n' => line.Append("\\n"),
                '\r' => line.Append("\\r"),
                '\t' => line.Append("\\t"),
                _ when char.IsControl(c) || c is '\u2028' or '\u2029' => line.Append('\uFFFD'),
                _ => line.Append(c),
            };
        }

        return line.ToString();
    }

    private static ImmutableArray<ManifestProblem> Shown(List<ManifestProblem> found, int uncounted)
    {
        var sorted = found.OrderBy(static p => p.Line).ToImmutableArray();
        if (sorted.Length <= MaxShown)
        {
            return sorted;
        }

        var left = sorted.Length - MaxShown + uncounted;
        return [.. sorted.Take(MaxShown), new(sorted[MaxShown].Line, "", "", $"{left} more problems follow; mend these first")];
    }
}
