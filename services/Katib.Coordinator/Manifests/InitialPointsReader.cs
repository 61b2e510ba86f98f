using System.Collections.Immutable;

namespace Katib.Coordinator.Manifests;

/// <summary>The annotation with the points that are to be tried first.</summary>
internal static class InitialPointsReader
{
    /// <summary>A list of maps from parameters to values, as YAML or JSON.</summary>
    public const string Name = "tuning.katib/initial-points";

    private const int MaxPoints = 1000;
    private const string Remedy = "write a list of maps from parameters to values: [{lr: 0.01, units: 64}]";

    /// <summary>The points, in their order, each written as the search space writes it; none twice.</summary>
    public static ImmutableArray<ImmutableArray<Assignment>> Read(Field annotation, SearchSpace? space)
    {
        if (!annotation.IsSet)
        {
            return [];
        }

        var unreadable = new Findings();
        if (YamlReader.Read(annotation.Value, unreadable) is not ManifestList list || unreadable.Any)
        {
            annotation.Wrong($"is no list of points{(unreadable.Any ? $" ({unreadable.Problems[0].Message})" : "")}; {Remedy}");
            return [];
        }

        // What is wrong with the space itself is said where it stands.
        var items = new Field(annotation.Findings, annotation.Path, annotation.Line, list).Items(MaxPoints);
        return space is null ? [] : [.. items
            .Select(item => ReadPoint(item with { Line = annotation.Line }, space))
            .OfType<Point>()
            .Distinct()
            .Select(space.Format)];
    }

    private static Point? ReadPoint(Field item, SearchSpace space)
    {
        if (!item.IsAnyMap())
        {
            return null;
        }

        string[] names = [.. space.Parameters.Select(static p => p.Name)];
        foreach (var name in item.Names.Except(names, StringComparer.Ordinal))
        {
            var nearest = NearestName.Of(name, names) is { } known ? $"did you mean '{known}'?" : $"there are {string.Join(", ", names)}";
            (item[name] with { Line = item.Line }).Wrong($"is no parameter; {nearest}");
        }

        var assignments = new List<Assignment>(space.Dimension);
        foreach (var parameter in space.Parameters)
        {
            var field = item[parameter.Name] with { Line = item.Line };
            if (field.IsRequired("give every parameter a value") && !parameter.TryParse(field.Value, out _))
            {
                field.Wrong("is no value of this parameter; its feasibleSpace says which there are");
            }

            assignments.Add(new(parameter.Name, field.Value));
        }

        return space.Parse(assignments);
    }
}
