using System.Collections.Immutable;
using System.Numerics;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Grid;

/// <summary>Grid search: every combination once.</summary>
/// <remarks>
/// <para>Order: lexicographic, the last parameter runs fastest, numbers ascending, categories as listed. With
/// <c>random_state</c>: a permutation of that order.</para>
/// <para>Settings: Katib's <c>random_state</c>; <c>grid_points</c>, how many points a double without a step gets,
/// spaced evenly in probability, both ends included; <c>allow_duplicates</c>, which lets the grid start over instead of
/// ending.</para>
/// </remarks>
public sealed class GridSearch : ISearchAlgorithm
{
    private const string GridPoints = "grid_points";
    private const int MaxGridPoints = 10_000;

    /// <inheritdoc/>
    public ImmutableArray<SettingDeclaration> Settings { get; } =
    [
        SettingDeclaration.RandomState with
        {
            Default = "none: lexicographic order", Effect = "walks the grid in a seeded random order",
        },
        new("grid_points", "whole number, 1 to 10000", "none: a double needs a step", "how many points a double without a step gets"),
        SettingDeclaration.AllowDuplicates,
    ];

    /// <inheritdoc/>
    public Reply Suggest(Study study, int count, CancellationToken cancellationToken)
    {
        var settings = study.Settings.Read(Settings);
        var randomState = settings.RandomState();
        var points = settings.WholeNumber(GridPoints, 1, MaxGridPoints);
        var startsOver = settings.Flag("allow_duplicates");
        if (!study.Settings.Items.Any(static s => s.Key == GridPoints))
        {
            RejectContinua(study.Space, settings);
        }

        settings.ThrowIfInvalid();

        var gridded = points is { } n ? WithPoints(study, (int)n) : study;
        var size = gridded.Space.Size ?? throw new InvalidOperationException("A grid without continuum is finite.");
        if (study.MaxTrialCount is { } max && max > size && !startsOver)
        {
            throw new InvalidStudyException([new(
                "maxTrialCount",
                FormattableString.Invariant($"{max}"),
                $"is more than the {size} combinations of the grid; lower it to {size}",
                $"Max Trial Count: {max} > all possible search combinations: {size}")]);
        }

        if (count is 0)
        {
            return new([]);
        }

        if (gridded.Issued >= size && !startsOver)
        {
            throw new SpaceUsedUpException(size);
        }

        var permutation = randomState is null ? null : new Permutation(size, Philox.KeyOf(study, randomState));
        var grid = new Combinations(gridded.Space, size, permutation);
        return new(SequenceRule.Next(gridded, gridded.Space, grid, count, cancellationToken));
    }

    private static void RejectContinua(SearchSpace space, SettingsReader settings)
    {
        for (var i = 0; i < space.Dimension; i++)
        {
            if (space.Parameters[i] is { IsContinuum: true, Name: var name })
            {
                settings.Reject(new(
                    $"parameters[{i}].feasibleSpace.step",
                    "",
                    "is missing, and a grid cannot list a continuum; set a step, or the algorithm setting grid_points",
                    $"Param {name} step is nil; For discrete search space, all parameters must include step"));
            }
        }
    }

    /// <summary>The study with every continuum replaced by so many of its values.</summary>
    private static Study WithPoints(Study study, int count)
    {
        var space = study.Space.Select(p => p.IsContinuum ? Spaced(p, count) : p);
        return study with
        {
            Space = space,
            Trials = [.. study.Trials.Select(t => t with { Point = Moved(t.Point, study.Space, space) })],
        };
    }

    /// <summary>The same point in the space of the grid; null when it lies between the grid's.</summary>
    private static Point? Moved(Point? point, SearchSpace from, SearchSpace to)
    {
        if (point is not { } old)
        {
            return null;
        }

        var coordinates = old.Coordinates.ToArray();
        for (var i = 0; i < coordinates.Length; i++)
        {
            if (!ReferenceEquals(from.Parameters[i], to.Parameters[i])
                && !to.Parameters[i].TryParse(from.Parameters[i].Format(coordinates[i]), out coordinates[i]))
            {
                return null;
            }
        }

        return new([.. coordinates]);
    }

    private static DiscreteParameter Spaced(ParameterDefinition parameter, int count)
    {
        var values = Enumerable.Range(0, count)
            .Select(k => parameter.Format(parameter.Quantile(count is 1 ? 0.5 : (double)k / (count - 1))))
            .Distinct(StringComparer.Ordinal);
        return DiscreteParameter.Of(parameter.Name, [.. values], Distribution.Uniform);
    }

    private sealed class Combinations(
        SearchSpace space, BigInteger size, Permutation? permutation) : IPointSequence
    {
        public IEnumerable<Point> From(long position)
        {
            for (BigInteger number = position; number < size; number++)
            {
                yield return space.PointAt(permutation?.At(number) ?? number);
            }
        }
    }
}
