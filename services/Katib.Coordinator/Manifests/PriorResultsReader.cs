using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The annotation with results from elsewhere: points with the objective's value.</summary>
public static class PriorResultsReader
{
    /// <summary>A list of maps, as YAML or JSON: <c>[{point: {lr: 0.01}, value: 0.31}]</c>.</summary>
    public const string Name = "tuning.katib/prior-results";

    /// <summary>The most results.</summary>
    public const int MaxResults = 10_000;

    private const string Point = "point";
    private const string Value = "value";

    /// <summary>What the annotation holds for these results.</summary>
    public static string Write(IEnumerable<PriorResult> results) => new JsonArray([.. results.Select(static result => new JsonObject
    {
        [Point] = new JsonObject(result.Point.Select(static a => KeyValuePair.Create<string, JsonNode?>(a.Name, a.Value))),
        [Value] = Numbers.Format(result.Value),
    })]).ToJsonString();

    /// <summary>The results, in their order, each point written as the search space writes it; of equal points the first counts.</summary>
    internal static ImmutableArray<PriorResult> Read(Field annotation, SearchSpace? space)
    {
        const string Remedy = "write a list of points with values: [{point: {lr: 0.01, units: 64}, value: 0.31}]";
        return space is null ? [] : [.. InitialPointsReader.ItemsOf(annotation, MaxResults, "results", Remedy)
            .Select(item => ReadResult(item, space))
            .OfType<PriorResult>()
            .DistinctBy(result => space.Parse([.. result.Point]))];
    }

    private static PriorResult? ReadResult(Field item, SearchSpace space)
    {
        if (!item.IsMap(Point, Value)
            || InitialPointsReader.ReadPoint(item[Point] with { Line = item.Line }, space) is not { } point)
        {
            return null;
        }

        var value = item[Value] with { Line = item.Line };
        if (value.IsRequired("give the value that the objective had there")
            && double.TryParse(value.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number))
        {
            return new(space.Format(point), number);
        }

        value.Wrong("must be a finite number");
        return null;
    }
}
