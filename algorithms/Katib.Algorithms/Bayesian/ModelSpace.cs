using System.Collections.Immutable;

namespace Katib.Algorithms.Bayesian;

/// <summary>A parameter with more than one value, as the model sees it.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Position">Its place among all parameters of the space.</param>
/// <param name="Levels">How many values it has; null for a continuum.</param>
internal sealed record ModelAxis(ParameterDefinition Parameter, int Position, long? Levels)
{
    /// <summary>Above this many levels an axis is climbed like a continuum and rounded afterwards.</summary>
    private const int MaxLevels = 64;

    /// <summary>A category: two values are the same or they are not.</summary>
    public bool IsCategorical => !Parameter.IsOrdered;

    /// <summary>Whether a gradient leads along it.</summary>
    public bool IsSmooth => Levels is null or > MaxLevels && !IsCategorical;

    /// <summary>The model's number for a coordinate: the place on the scale, or the index of a category.</summary>
    public double Encode(double coordinate) => IsCategorical ? coordinate : Parameter.ToScale(coordinate);

    /// <summary>The coordinate nearest to a number of the model.</summary>
    public double Decode(double unit) => IsCategorical ? unit : Parameter.FromScale(unit);
}

/// <summary>The space as the model sees it: places in [0,1] on the users' scales, and indices of categories.</summary>
/// <remarks>Parameters with a single value are left out.</remarks>
internal sealed class ModelSpace
{
    private readonly SearchSpace _space;

    public ModelSpace(SearchSpace space)
    {
        _space = space;
        Axes =
        [
            .. space.Parameters.Select(static (p, i) => new ModelAxis(p, i, p.Count)).Where(static a => a.Levels is not 1),
        ];
    }

    /// <summary>The parameters that have a choice.</summary>
    public ImmutableArray<ModelAxis> Axes { get; }

    /// <summary>How many they are.</summary>
    public int Dimension => Axes.Length;

    /// <summary>Writes a point in the model's numbers.</summary>
    public void Encode(Point point, Span<double> unit)
    {
        for (var d = 0; d < Axes.Length; d++)
        {
            unit[d] = Axes[d].Encode(point.Coordinates[Axes[d].Position]);
        }
    }

    /// <summary>The point of the space nearest to the model's numbers.</summary>
    public Point Decode(ReadOnlySpan<double> unit)
    {
        // The only value of a parameter that has no choice has the index 0.
        var coordinates = new double[_space.Dimension];
        for (var d = 0; d < Axes.Length; d++)
        {
            coordinates[Axes[d].Position] = Axes[d].Decode(unit[d]);
        }

        return new(ImmutableArray.Create(coordinates));
    }
}
