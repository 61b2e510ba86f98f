using System.Collections.Immutable;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>What every reply holds to, whatever it was asked.</summary>
internal static class Soundness
{
    /// <summary>
    /// As many as asked for, every one a point of the space in its own spelling, and none tried before or twice in the
    /// reply as long as the space has others.
    /// </summary>
    public static void Check(Study study, ImmutableArray<Suggestion> suggestions, int count)
    {
        Assert.Equal(count, suggestions.Length);
        var points = suggestions.Select(s => study.Space.Parse(s.Assignments)).ToArray();
        for (var i = 0; i < count; i++)
        {
            Assert.NotNull(points[i]);
            Assert.Equal(study.Space.Format(points[i]!.Value), suggestions[i].Assignments);
        }

        var tried = study.Trials.Where(static t => t.Point is not null).Select(static t => t.Point!.Value).ToHashSet();
        var left = study.Space.Size - tried.Count;
        var fresh = points.Select(static p => p!.Value).Distinct().Count(p => !tried.Contains(p));
        var possible = left is { } few && few < count ? (int)few : count;
        Assert.True(possible == fresh, $"Only {fresh} of {count} points are new and distinct, where {possible} could be.");
    }
}
