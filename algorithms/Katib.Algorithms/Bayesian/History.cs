using System.Collections.Immutable;

namespace Katib.Algorithms.Bayesian;

/// <summary>A trial that ended with a loss.</summary>
/// <param name="Point">Where.</param>
/// <param name="Loss">Finite, to be minimised.</param>
/// <param name="IsEarlyStopped">Whether the loss is that of an unfinished run.</param>
internal readonly record struct Result(Point Point, double Loss, bool IsEarlyStopped)
{
    /// <summary>An unfinished run tells less: twice the deviation.</summary>
    public double NoiseFactor => IsEarlyStopped ? 4 : 1;
}

/// <summary>The trials of a study, sorted by what they tell, in an order that is the same for every request.</summary>
/// <param name="Results">Those that ended with a loss, by time of completion.</param>
/// <param name="Failures">Where trials ended without a loss: failed, without metrics, or with an infinite loss.</param>
/// <param name="Pending">Where trials run, or will.</param>
/// <param name="Taken">All points that were ever tried, those of killed trials among them.</param>
internal sealed record History(
    ImmutableArray<Result> Results,
    ImmutableArray<Point> Failures,
    ImmutableArray<Point> Pending,
    IReadOnlySet<Point> Taken)
{
    /// <summary>Reads the trials of a study, and points that were issued and are not among them.</summary>
    public static History Of(Study study, IEnumerable<Point> unseen)
    {
        // Not by name: Katib's controller draws names at random.
        var trials = study.Trials.Where(static t => t.Point is not null).ToArray();
        Array.Sort(trials, Compare);
        var best = trials.Where(static t => IsResult(t) && double.IsFinite(t.Loss!.Value)).Min(static t => t.Loss);
        var results = ImmutableArray.CreateBuilder<Result>();
        var failures = ImmutableArray.CreateBuilder<Point>();
        var pending = new HashSet<Point>();
        var taken = new HashSet<Point>();
        foreach (var trial in trials)
        {
            var point = trial.Point!.Value;
            _ = taken.Add(point);
            switch (trial.Status)
            {
                case TrialStatus.Succeeded or TrialStatus.EarlyStopped when best is not null && IsResult(trial):
                    // A loss of minus infinity is as good as the best.
                    results.Add(new(point, Math.Max(trial.Loss!.Value, best.Value), trial.Status is TrialStatus.EarlyStopped));
                    break;
                case TrialStatus.Succeeded or TrialStatus.EarlyStopped or TrialStatus.Failed
                    or TrialStatus.MetricsUnavailable:
                    failures.Add(point);
                    break;
                case TrialStatus.Killed:
                    break;
                default:
                    _ = pending.Add(point);
                    break;
            }
        }

        foreach (var point in unseen.Where(p => !taken.Contains(p)))
        {
            _ = pending.Add(point);
        }

        taken.UnionWith(pending);
        return new(results.ToImmutable(), failures.ToImmutable(), [.. pending.Order(PointOrder.Instance)], taken);
    }

    private static bool IsResult(Trial trial) =>
        trial.Status is TrialStatus.Succeeded or TrialStatus.EarlyStopped
        && trial.Loss is { } loss && !double.IsNaN(loss) && !double.IsPositiveInfinity(loss);

    private static int Compare(Trial x, Trial y)
    {
        var order = string.CompareOrdinal(x.CompletionTime, y.CompletionTime);
        order = order is 0 ? PointOrder.Instance.Compare(x.Point!.Value, y.Point!.Value) : order;
        order = order is 0 ? x.Status.CompareTo(y.Status) : order;
        return order is 0 ? Nullable.Compare(x.Loss, y.Loss) : order;
    }
}

/// <summary>Points by their coordinates, the first one first.</summary>
internal sealed class PointOrder : IComparer<Point>
{
    public static PointOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(Point x, Point y) => x.Coordinates.AsSpan().SequenceCompareTo(y.Coordinates.AsSpan());
}
