using System.Collections.Immutable;
using System.Numerics;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Grid;

/// <summary>Grid search: every combination once.</summary>
/// <remarks>
/// <para>Order: lexicographic, the last parameter runs fastest, numbers ascending, categories as listed. With
/// <c>random_state</c>: a permutation of that order.</para>
/// <para>Settings: Katib's <c>random_state</c>; <c>grid_points</c>, how many points a double without a step gets, spaced
/// evenly in probability, both ends included; <c>allow_duplicates</c>, which lets the grid start over instead of ending.
/// </para>
/// </remarks>
public sealed class GridSearch : ISearchAlgorithm
{
    private const int MaxGridPoints = 1_000_000;

    /// <inheritdoc/>
    public ImmutableArray<SettingDeclaration> Settings { get; } =
    [
        SettingDeclaration.RandomState with
        {
            Default = "none: lexicographic order", Effect = "walks the grid in a seeded random order",
        },
        new("grid_points", "whole number, 1 to 1000000", "none: a double needs a step", "how many points a double without a step gets"),
        SettingDeclaration.AllowDuplicates,
    ];

    /// <inheritdoc/>
    public ImmutableArray<Suggestion> Suggest(Study study, int count, CancellationToken cancellationToken)
    {
        var settings = study.Settings.Read(Settings);
        var randomState = settings.RandomState();
        var points = settings.WholeNumber("grid_points", 1, MaxGridPoints);
        var startsOver = settings.Flag("allow_duplicates");
        settings.ThrowIfInvalid();

        var gridded = points is { } n ? WithPoints(study, (int)n) : study;
        var size = ThrowIfContinuum(gridded.Space) ?? throw new InvalidOperationException("A grid without continuum is finite.");
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
            return [];
        }

        if (gridded.Issued >= size && !startsOver)
        {
            throw new SpaceUsedUpException(size);
        }

        var permutation = randomState is null ? null : new Permutation(size, Philox.KeyOf(study, randomState));
        var grid = new Combinations(gridded.Space, size, permutation);
        return SequenceRule.Next(gridded, gridded.Space, grid, count, cancellationToken);
    }

    private static BigInteger? ThrowIfContinuum(SearchSpace space)
    {
        InvalidStudyException.ThrowIfAny(
            [.. space.Parameters
                .Select(static (p, i) => (Parameter: p, Index: i))
                .Where(static p => p.Parameter.Count is null)
                .Select(static p => new Problem(
                    $"parameters[{p.Index}].feasibleSpace.step",
                    "",
                    "is missing, and a grid cannot list a continuum; set a step, or the algorithm setting grid_points",
                    $"Param {p.Parameter.Name} step is nil; For discrete search space, all parameters must include step"))]);
        return space.Size;
    }

    /// <summary>The study with every continuum replaced by so many of its values.</summary>
    private static Study WithPoints(Study study, int count)
    {
        var space = study.Space.Select(p => p.Count is null ? Spaced(p, count) : p);
        var trials = study.Trials.Select(t => t.Point is { } point
            ? t with { Point = space.Parse(study.Space.Format(point)) }
            : t);
        return study with { Space = space, Trials = [.. trials] };
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
