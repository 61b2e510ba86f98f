using System.Collections.Immutable;
using System.Numerics;
using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>What every reply holds to, whatever it was asked.</summary>
internal static class Soundness
{
    /// <summary>
    /// As many as asked for, every one a point of the space in its own spelling, and none tried before or twice in the
    /// reply as long as the space has others: those that are neither shown nor hidden.
    /// </summary>
    public static void Check(Study study, ImmutableArray<Suggestion> suggestions, int count)
    {
        CheckPoints(study, suggestions, count);
        var points = suggestions.Select(s => study.Space.Parse(s.Assignments)!.Value);
        var tried = study.Trials.Where(static t => t.Point is not null).Select(static t => t.Point!.Value).ToHashSet();
        var named = study.Settings.Items.FirstOrDefault(static i => i.Key == BayesianSettings.LedgerName).Value;
        var ledger = Ledger.Read(study, named).Points.Length;
        var hidden = ledger + Math.Max(0, study.Issued - study.Trials.Length - ledger);
        var left = study.Space.Size is not { } size ? count : size > study.Issued ? size - tried.Count - hidden : 0;
        var fresh = points.Distinct().Count(p => !tried.Contains(p));
        Assert.True(fresh >= BigInteger.Min(left, count), $"Of {count} points only {fresh} are new; {left} are left.");
    }

    /// <summary>As many as asked for, every one a point of the space in its own spelling.</summary>
    public static void CheckPoints(Study study, ImmutableArray<Suggestion> suggestions, int count)
    {
        Assert.Equal(count, suggestions.Length);
        Assert.All(suggestions, s =>
        {
            var point = study.Space.Parse(s.Assignments);
            Assert.NotNull(point);
            Assert.Equal(study.Space.Format(point.Value), s.Assignments);
        });
    }
}
