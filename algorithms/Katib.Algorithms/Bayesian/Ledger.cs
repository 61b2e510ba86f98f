using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Katib.Algorithms.Bayesian;

/// <summary>Points that were issued and of which no end is known, carried by the caller from reply to request.</summary>
/// <remarks>
/// Katib's controller hides trials without metrics, and those that it is about to create. The reply's settings come back
/// with the next request, so the points ride in one of them. A caller that loses it loses little.
/// </remarks>
/// <param name="Points">The points, the oldest first.</param>
internal sealed record Ledger(ImmutableArray<Point> Points)
{
    /// <summary>Katib keeps it in a resource of limited size.</summary>
    private const int MaxLength = 32 * 1024;

    private const char Between = ';';
    private const char Within = ',';

    /// <summary>Reads what an earlier reply has written; what is no point of the space is passed over.</summary>
    public static Ledger Read(Study study, string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return new([]);
        }

        var known = study.Trials.Where(static t => t.Point is not null).Select(static t => t.Point!.Value).ToHashSet();
        var points = ImmutableArray.CreateBuilder<Point>();
        var seen = new HashSet<Point>();
        foreach (var item in text.Split(Between, StringSplitOptions.RemoveEmptyEntries))
        {
            var coordinates = item.Split(Within);
            if (coordinates.Length == study.Space.Dimension
                && Parse(study.Space, coordinates) is { } point && seen.Add(point))
            {
                points.Add(point);
            }
        }

        return new([.. points.Where(p => !known.Contains(p))]) { _all = points.ToImmutable() };
    }

    private ImmutableArray<Point> _all = [];

    /// <summary>The setting for a reply: what stood there and the new points, without those whose end is known.</summary>
    public ImmutableArray<KeyValuePair<string, string>> After(Study study, IEnumerable<Point> issued)
    {
        var ended = study.Trials.Where(static t => t.Point is not null && HasEnded(t.Status))
            .Select(static t => t.Point!.Value).ToHashSet();
        var open = _all.Concat(issued).Distinct().Where(p => !ended.Contains(p)).Reverse();
        var items = new List<string>();
        var length = 0;
        foreach (var point in open)
        {
            var item = string.Join(Within, point.Coordinates.Select(static c => c.ToString("R", CultureInfo.InvariantCulture)));
            length += item.Length + 1;
            if (length > MaxLength)
            {
                break;
            }

            items.Add(item);
        }

        items.Reverse();
        return [KeyValuePair.Create(BayesianSettings.LedgerName, new StringBuilder().AppendJoin(Between, items).ToString())];
    }

    private static bool HasEnded(TrialStatus status) =>
        status is not (TrialStatus.Created or TrialStatus.Running or TrialStatus.Unknown);

    private static Point? Parse(SearchSpace space, string[] coordinates)
    {
        var parsed = new double[coordinates.Length];
        for (var i = 0; i < parsed.Length; i++)
        {
            var isNumber = double.TryParse(
                coordinates[i], NumberStyles.Float, CultureInfo.InvariantCulture, out parsed[i]);
            if (!isNumber || !space.Parameters[i].Contains(parsed[i]))
            {
                return null;
            }
        }

        return new(ImmutableArray.Create(parsed));
    }
}
