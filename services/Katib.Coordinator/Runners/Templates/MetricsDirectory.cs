using System.Buffers;
using System.Text;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners.Attempts;

namespace Katib.Coordinator.Runners.Templates;

/// <summary>
/// Katib's absolute metrics directory, which in a container is a volume of its own and here a folder of the trial.
/// </summary>
internal static class MetricsDirectory
{
    // Where nothing is looked for it is a directory of the trial's own all the same, as Katib's own programs expect.
    private const string UnusedDirectory = "/var/log/katib";

    // Where a path may begin and end: not inside a longer one (/opt/katib, $HOME/katib) or a longer name (/katibx).
    private static readonly SearchValues<char> BeforePath = SearchValues.Create(" \t\r\n'\"`=:,;(&|<>[{@!");
    private static readonly SearchValues<char> TakenApart = SearchValues.Create(" \t\r\n'\"`$&|;<>()*?[]{}~#!\\");
    private static readonly SearchValues<char> AfterPath = SearchValues.Create("/ \t\r\n'\"`:,;)&|<>]}\\");

    /// <summary>Where the trial of this collector finds the directory in Katib's containers.</summary>
    public static string Of(MetricsCollectorSpec collector)
    {
        if (!collector.HasDirectory)
        {
            return UnusedDirectory;
        }

        var end = collector.Kind is CollectorKind.File ? collector.Path.LastIndexOf('/') : collector.Path.Length;
        return collector.Path[..end].TrimEnd('/') is { Length: > 0 } directory ? directory : "/";
    }

    /// <summary>The file's name in the directory.</summary>
    public static string FileOf(MetricsCollectorSpec collector) =>
        collector.Path[(collector.Path.LastIndexOf('/') + 1)..];

    /// <summary>
    /// Where an attempt's metrics appear: in what it prints, in the file of that name, anywhere in the directory, in
    /// what was scraped of it; or where it is said how its own collector ended.
    /// </summary>
    public static string PathIn(AttemptFolder folder, MetricsCollectorSpec collector) => collector.Kind switch
    {
        CollectorKind.File => Path.Combine(folder.Metrics, FileOf(collector)),
        CollectorKind.PrometheusMetric => folder.ScrapedValues,
        CollectorKind.Custom => folder.CollectorEnd,
        CollectorKind.TensorFlowEvent => folder.Metrics,
        _ => folder.OutputLog,
    };

    /// <summary>Whether the text names the directory.</summary>
    public static bool IsNamedIn(string text, string directory) => Find(text, directory, 0) >= 0;

    /// <summary>Puts <paramref name="own"/> in the directory's place, wherever a path begins with it.</summary>
    public static string Replace(string text, string directory, string own)
    {
        var at = Find(text, directory, 0);
        if (at < 0)
        {
            return text;
        }

        var replaced = new StringBuilder(text.Length + own.Length);
        var done = 0;
        for (; at >= 0; at = Find(text, directory, done))
        {
            _ = replaced.Append(text, done, at - done).Append(own);
            done = at + directory.Length;
        }

        return replaced.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>Whether a shell would take <paramref name="own"/> apart, put into this script without quotes.</summary>
    public static bool FallsApartIn(string script, string directory, string own)
    {
        if (!own.AsSpan().ContainsAny(TakenApart))
        {
            return false;
        }

        for (var at = Find(script, directory, 0); at >= 0; at = Find(script, directory, at + directory.Length))
        {
            if (at is 0 || script[at - 1] is not ('\'' or '"'))
            {
                return true;
            }
        }

        return false;
    }

    private static int Find(string text, string directory, int from)
    {
        for (var at = from; at <= text.Length - directory.Length; at++)
        {
            at = text.IndexOf(directory, at, StringComparison.Ordinal);
            if (at < 0)
            {
                return -1;
            }

            var end = at + directory.Length;
            if (Begins(text, at) && (end == text.Length || AfterPath.Contains(text[end])))
            {
                return at;
            }
        }

        return -1;
    }

    private static bool Begins(string text, int at) =>
        at is 0 || BeforePath.Contains(text[at - 1]) || FollowsShortOption(text, at);

    /// <summary>As in <c>-o/katib/model</c>.</summary>
    private static bool FollowsShortOption(string text, int at) =>
        at >= 2 && char.IsAsciiLetter(text[at - 1]) && text[at - 2] is '-'
        && (at is 2 || char.IsWhiteSpace(text[at - 3]));
}
