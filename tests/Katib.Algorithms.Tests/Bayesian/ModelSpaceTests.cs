using Katib.Algorithms.Bayesian;

namespace Katib.Algorithms.Tests.Bayesian;

public sealed class ModelSpaceTests
{
    private static Dictionary<string, ParameterSpec> Parameters { get; } = new()
    {
        ["double"] = Given.Double("x", "-2", "3"),
        ["double huge"] = Given.Double("x", "-1.7e308", "1.7e308"),
        ["double narrow"] = Given.Double("x", "1000", "1000.001"),
        ["double log"] = Given.Double("x", "1e-5", "1e-1", "", Distribution.LogUniform),
        ["double log huge"] = Given.Double("x", "1e-300", "1e300", "", Distribution.LogUniform),
        ["double normal"] = Given.Double("x", "5", "10", "", Distribution.Normal),
        ["double log normal"] = Given.Double("x", "0.001", "10", "", Distribution.LogNormal),
        ["double stepped"] = Given.Double("x", "0.1", "0.9", "0.1"),
        ["double stepped log"] = Given.Double("x", "1", "5", "0.5", Distribution.LogUniform),
        ["double stepped normal"] = Given.Double("x", "5", "10", "0.8", Distribution.Normal),
        ["double of 5 numbers"] = Given.Double("x", "1", "1.000000000000001"),
        ["int"] = Given.Int("x", "-5", "5"),
        ["int of 1000"] = Given.Int("x", "1", "1000"),
        ["int log of 1000"] = Given.Int("x", "1", "1000", "", Distribution.LogUniform),
        ["int of 2^53"] = Given.Int("x", "-4503599627370496", "4503599627370495"),
        ["int by 1.3"] = Given.Int("x", "5", "100", "1.3"),
        ["discrete"] = Given.Discrete("x", "1000", "1", "0.10", "10"),
        ["discrete log"] = Given.Discrete("x", "1000", "1", "0.10", "10").Under(Distribution.LogUniform),
        ["discrete words"] = Given.Discrete("x", "big", "small", "1"),
        ["categorical"] = Given.Categorical("x", "sgd", "adam", "ftrl"),
        ["categorical of 100"] = Given.Categorical("x", [.. Enumerable.Range(0, 100).Select(static i => $"c{i}")]),
    };

    public static TheoryData<string> Names => [.. Parameters.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_point_comes_back(string name)
    {
        var (parameter, space) = Space(name);

        foreach (var probability in Enumerable.Range(0, 201).Select(static i => i / 201.0))
        {
            var point = new Point([parameter.Quantile(probability)]);
            var unit = new double[1];
            space.Encode(point, unit);
            var back = space.Decode(unit);
            if (parameter.Count is null)
            {
                var expected = point.Coordinates[0];
                Assert.Equal(expected, back.Coordinates[0], 1e-11 * Math.Max(Math.Abs(expected), double.Epsilon * 1e12));
            }
            else
            {
                Assert.Equal(point, back);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_ends_are_0_and_1_and_the_order_is_that_of_the_values(string name)
    {
        var (parameter, space) = Space(name);
        var axis = Assert.Single(space.Axes);
        var last = parameter.Count is { } count ? count - 1 : parameter.Quantile(1);

        Assert.Equal(0, axis.Encode(parameter.Quantile(0)));
        if (axis.IsCategorical)
        {
            Assert.Equal(last, axis.Encode(last));
            return;
        }

        Assert.Equal(1, axis.Encode(last), 1e-15);
        var coordinates = Enumerable.Range(0, 101).Select(i => parameter.Quantile(i / 101.0)).Distinct().ToArray();
        var units = coordinates.Select(axis.Encode).ToArray();
        Assert.Equal(coordinates.Order(), coordinates);
        Assert.Equal(units.Order(), units);
        Assert.Equal(units.Distinct(), units);
        Assert.All(units, static u => Assert.InRange(u, 0, 1));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_place_means_the_nearest_value(string name)
    {
        var (parameter, space) = Space(name);
        var axis = space.Axes[0];
        if (axis.IsCategorical || parameter.Count > 100_000)
        {
            return;
        }

        foreach (var unit in Enumerable.Range(0, 1001).Select(static i => i / 1000.0).Append(1e-17).Append(0.9999999999))
        {
            var decoded = space.Decode([unit]).Coordinates[0];
            Assert.True(parameter.Contains(decoded));
            var distance = Math.Abs(axis.Encode(decoded) - unit);
            var nearest = parameter.Count is { } count
                ? Enumerable.Range(0, (int)count).Min(k => Math.Abs(axis.Encode(k) - unit))
                : 0;
            Assert.Equal(nearest, distance, 1e-9);
        }
    }

    [Fact]
    public void Parameters_with_one_value_are_left_out_and_come_back()
    {
        var search = Given.Space(
            Given.Double("a", "2.5", "2.5"),
            Given.Int("b", "1", "3"),
            Given.Categorical("c", "only"),
            Given.Double("d", "0", "1"),
            Given.Discrete("e", "7"));
        var space = new ModelSpace(search);

        Assert.Equal(["b", "d"], space.Axes.Select(static a => a.Parameter.Name));
        Assert.Equal(
            "2.5 2 only 0.25 7",
            string.Join(' ', search.Format(space.Decode([0.5, 0.25])).Select(static a => a.Value)));
    }

    [Fact]
    public void A_space_of_one_point_has_no_axes()
    {
        var space = new ModelSpace(Given.Space(Given.Double("a", "2.5", "2.5"), Given.Categorical("c", "only")));

        Assert.Equal(0, space.Dimension);
    }

    [Theory]
    [InlineData("double", true)]
    [InlineData("int", false)]
    [InlineData("int of 1000", true)]
    [InlineData("int of 2^53", true)]
    [InlineData("discrete", false)]
    [InlineData("categorical", false)]
    [InlineData("categorical of 100", false)]
    public void Gradients_lead_along_continua_and_along_what_has_very_many_levels(string name, bool isSmooth)
    {
        Assert.Equal(isSmooth, Space(name).Space.Axes[0].IsSmooth);
    }

    [Theory]
    [InlineData("discrete words", true)]
    [InlineData("categorical", true)]
    [InlineData("discrete", false)]
    [InlineData("int", false)]
    public void What_has_no_order_is_a_category(string name, bool isCategorical)
    {
        Assert.Equal(isCategorical, Space(name).Space.Axes[0].IsCategorical);
    }

    [Fact]
    public void Sites_are_the_encoded_points_both_ways_round()
    {
        var points = Models.Scatter(Models.Mixed, 11, seed: 1);

        var sites = new Sites(Models.Mixed, points);

        for (var i = 0; i < points.Length; i++)
        {
            var unit = new double[3];
            Models.Mixed.Encode(points[i], unit);
            Assert.Equal(unit, sites.Units.Row(i).ToArray());
            Assert.Equal(unit, Enumerable.Range(0, 3).Select(d => sites.Columns[d, i]));
        }
    }

    private static (ParameterDefinition Parameter, ModelSpace Space) Space(string name)
    {
        var space = Given.Space(Parameters[name]);
        return (space.Parameters[0], new(space));
    }
}
