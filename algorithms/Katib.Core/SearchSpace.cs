using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Katib;

/// <summary>The points that an algorithm may propose: the product of its parameters' values.</summary>
public sealed class SearchSpace
{
    private readonly Dictionary<string, int> _positions;

    internal SearchSpace(ImmutableArray<ParameterDefinition> parameters)
    {
        Parameters = parameters;
        _positions = parameters.Select(static (p, i) => (p.Name, i)).ToDictionary(StringComparer.Ordinal);
        Size = parameters.Aggregate((BigInteger?)1, static (size, p) => size * p.Count);
    }

    /// <summary>The parameters in the user's order.</summary>
    public ImmutableArray<ParameterDefinition> Parameters { get; }

    /// <summary>How many parameters there are.</summary>
    public int Dimension => Parameters.Length;

    /// <summary>How many points there are; null when a parameter is a continuum.</summary>
    public BigInteger? Size { get; }

    /// <summary>Checks the parameters and adds everything that is wrong to <paramref name="problems"/>.</summary>
    /// <returns>The space; of no use when problems were added.</returns>
    public static SearchSpace Create(ImmutableArray<ParameterSpec> specs, ICollection<Problem> problems)
    {
        var parameters = ImmutableArray.CreateBuilder<ParameterDefinition>(specs.Length);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < specs.Length; i++)
        {
            var spec = specs[i];
            var isNamed = false;
            if (spec.Name.Length is 0)
            {
                problems.Add(new($"parameters[{i}].name", "", "is missing; give every parameter a name"));
            }
            else if (!names.Add(spec.Name))
            {
                problems.Add(new(
                    $"parameters[{i}].name",
                    spec.Name,
                    "stands twice; give every parameter a name of its own",
                    $"Detect duplicated parameter name: {spec.Name}"));
            }
            else
            {
                isNamed = true;
            }

            if (ParameterReader.Read(spec, $"parameters[{i}]", problems) is { } parameter && isNamed)
            {
                parameters.Add(parameter);
            }
        }

        return new(parameters.ToImmutable());
    }

    /// <summary>The same space with some parameters replaced by others of the same names.</summary>
    public SearchSpace Select(Func<ParameterDefinition, ParameterDefinition> replace) => new([.. Parameters.Select(replace)]);

    /// <summary>The point that probabilities in [0,1), one for each parameter, fall on.</summary>
    public Point Quantile(ReadOnlySpan<double> probabilities)
    {
        var coordinates = ImmutableArray.CreateBuilder<double>(Dimension);
        for (var i = 0; i < Dimension; i++)
        {
            coordinates.Add(Parameters[i].Quantile(probabilities[i]));
        }

        return new(coordinates.MoveToImmutable());
    }

    /// <summary>Writes a point as text, in the order of the parameters.</summary>
    public ImmutableArray<Assignment> Format(Point point) =>
        [.. Parameters.Select((p, i) => new Assignment(p.Name, p.Format(point.Coordinates[i])))];

    /// <summary>Reads a point; null unless every parameter has exactly one value that lies in it.</summary>
    public Point? Parse(IEnumerable<Assignment> assignments)
    {
        var coordinates = new double[Dimension];
        Array.Fill(coordinates, double.NaN);
        var found = 0;
        var expected = 0;
        foreach (var (name, value) in assignments)
        {
            // Nearly always the assignments stand in the order of the parameters.
            if (expected >= Dimension || Parameters[expected].Name != name)
            {
                if (!_positions.TryGetValue(name, out expected))
                {
                    expected = Dimension;
                    continue;
                }
            }

            var isSecond = !double.IsNaN(coordinates[expected]);
            if (isSecond || !Parameters[expected].TryParse(value, out coordinates[expected]))
            {
                return null;
            }

            expected++;
            found++;
        }

        return found == Dimension ? new(ImmutableCollectionsMarshal.AsImmutableArray(coordinates)) : null;
    }
}
