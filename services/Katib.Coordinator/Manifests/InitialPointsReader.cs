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
        // What is wrong with the space itself is said where it stands.
        var items = ItemsOf(annotation, MaxPoints, "points", Remedy);
        return space is null ? [] : [.. items.Select(item => ReadPoint(item, space)).OfType<Point>().Distinct().Select(space.Format)];
    }

    /// <summary>The items of a list in an annotation, complained about where they stand; none where there is none, or it is no list.</summary>
    public static IEnumerable<Field> ItemsOf(Field annotation, int max, string what, string remedy)
    {
        if (!annotation.IsSet)
        {
            return [];
        }

        var unreadable = new Findings();
        if (YamlReader.Read(annotation.Value, unreadable) is ManifestList list && !unreadable.Any)
        {
            return new Field(annotation.Findings, annotation.Path, annotation.Line, list).Items(max)
                .Select(item => item with { Line = annotation.Line });
        }

        annotation.Wrong($"is no list of {what}{(unreadable.Any ? $" ({unreadable.Problems[0].Message})" : "")}; {remedy}");
        return [];
    }

    /// <summary>A map from all parameters to values; null where it is none, which is complained about.</summary>
    public static Point? ReadPoint(Field item, SearchSpace space)
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
