using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Algorithms.Tests.Bayesian;

/// <summary>Studies that have been under way for a while.</summary>
internal static class Histories
{
    /// <summary>A study with so many trials that succeeded, at random points of the space.</summary>
    public static Study Of(Study study, int count, int seed) => Of(
        study, count, seed, static (point, _) => (TrialStatus.Succeeded, Loss(point)));

    /// <summary>A study with trials at random points, each of which ends as is said of it and its number.</summary>
    public static Study Of(Study study, int count, int seed, Func<Point, int, (TrialStatus Status, double? Loss)> end)
    {
        var philox = new Philox((ulong)seed);
        var probabilities = new double[study.Space.Dimension];
        var trials = ImmutableArray.CreateBuilder<Trial>(count);
        for (var i = 0; i < count; i++)
        {
            philox.Fill((ulong)i, probabilities);
            var point = study.Space.Quantile(probabilities);
            var (status, loss) = end(point, i);
            trials.Add(new($"trial-{i}", point, status, loss, Time(i)));
        }

        return study with { Trials = trials.MoveToImmutable(), Issued = count };
    }

    /// <summary>A loss that every coordinate has a part in.</summary>
    public static double Loss(Point point)
    {
        var sum = 0.0;
        for (var d = 0; d < point.Coordinates.Length; d++)
        {
            sum += Math.Sin(((d + 1.0) * point.Coordinates[d]) + d) + (0.1 * Math.Abs(point.Coordinates[d] - 0.3));
        }

        return sum;
    }

    /// <summary>When trial number <paramref name="i"/> ended.</summary>
    public static string Time(int i) => string.Create(CultureInfo.InvariantCulture, $"2026-01-01T{i:000000}Z");

    /// <summary>The study as the caller sends it next: the reply's settings over the user's.</summary>
    public static Study Echoed(Study study, Reply reply) => study with
    {
        Settings = study.Settings with
        {
            Items =
            [
                .. study.Settings.Items.Where(i => !reply.Echo.Any(e => e.Key == i.Key)),
                .. reply.Echo,
            ],
        },
    };
}
