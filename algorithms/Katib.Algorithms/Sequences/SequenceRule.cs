using System.Collections.Immutable;

namespace Katib.Algorithms.Sequences;

/// <summary>How a fixed sequence of points is walked without state.</summary>
/// <remarks>
/// <para>The position is the number of points issued so far, which the caller counts. From there on, points that the
/// request shows are passed over. So a retry gets the same reply, replicas agree, and trials that were deleted, were
/// never shown or belong to a namesake do no harm.</para>
/// <para>A finite sequence wraps once. On the second round the first unseen points are taken for those that were issued
/// and are not shown (Katib's controller hides trials without metrics), and passed over.</para>
/// </remarks>
internal static class SequenceRule
{
    /// <summary>The next <paramref name="count"/> points.</summary>
    /// <remarks>
    /// When the space holds fewer unseen points than asked for, the reply is filled up with its own. When all its
    /// points have been issued, the sequence starts over.
    /// </remarks>
    public static ImmutableArray<Suggestion> Next(
        Study study, SearchSpace space, IPointSequence sequence, int count, CancellationToken cancellationToken) =>
        [
            .. NextPoints(study, space, sequence, count, cancellationToken)
                .Select(p => new Suggestion(space.Format(p))),
        ];

    /// <summary>The same, as points.</summary>
    public static ImmutableArray<Point> NextPoints(
        Study study, SearchSpace space, IPointSequence sequence, int count, CancellationToken cancellationToken)
    {
        var isUsedUp = space.Size <= study.Issued;
        var position = isUsedUp ? (long)(study.Issued % space.Size!.Value) : study.Issued;
        var seen = new HashSet<Point>();
        if (!isUsedUp)
        {
            seen.UnionWith(study.Trials.Where(static t => t.Point is not null).Select(static t => t.Point!.Value));
        }

        var picks = new List<Point>(count);
        foreach (var point in sequence.From(position).Concat(Wrapped()))
        {
            if (picks.Count == count)
            {
                break;
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (seen.Add(point))
            {
                picks.Add(point);
            }
        }

        if (picks.Count is 0)
        {
            // A namesake has tried all that is left, but its results are not ours.
            picks.AddRange(sequence.From(position).Take(count));
        }

        return [.. Enumerable.Range(0, count).Select(i => picks[i % picks.Count])];

        IEnumerable<Point> Wrapped()
        {
            var hidden = isUsedUp ? 0 : Math.Max(0, study.Issued - study.Trials.Length);
            return sequence.From(0).Take((int)position).Where(p => !seen.Contains(p)).Skip(hidden);
        }
    }
}
