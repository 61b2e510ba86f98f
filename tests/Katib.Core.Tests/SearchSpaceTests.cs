namespace Katib.Core.Tests;

public sealed class SearchSpaceTests
{
    private static readonly SearchSpace Space = Given.Space(
        Given.Int("1", "5") with { Name = "layers" },
        Given.Double("0", "1") with { Name = "lr" },
        Given.Categorical("sgd", "adam") with { Name = "optimizer" });

    [Fact]
    public void A_point_is_read_in_any_order()
    {
        var inOrder = Space.Parse([new("layers", "2"), new("lr", "0.5"), new("optimizer", "adam")]);
        var shuffled = Space.Parse([new("optimizer", "adam"), new("layers", "2.0"), new("lr", "5e-1")]);

        Assert.Equal([1, 0.5, 1], inOrder!.Value.Coordinates);
        Assert.Equal(inOrder, shuffled);
        Assert.Equal(inOrder.GetHashCode(), shuffled.GetHashCode());
    }

    [Fact]
    public void A_point_is_written_in_the_order_of_the_parameters()
    {
        Assert.Equal(
            [new("layers", "2"), new("lr", "0.5"), new("optimizer", "adam")], Space.Format(new Point([1, 0.5, 1])));
    }

    [Fact]
    public void Assignments_that_are_no_parameter_are_passed_over()
    {
        Assert.NotNull(Space.Parse(
            [new("other", "x"), new("layers", "2"), new("lr", "0.5"), new("more", "y"), new("optimizer", "adam")]));
    }

    [Fact]
    public void What_is_out_of_the_space_is_no_point()
    {
        Assert.Null(Space.Parse([]));
        Assert.Null(Space.Parse([new("layers", "2"), new("lr", "0.5")]));
        Assert.Null(Space.Parse([new("layers", "6"), new("lr", "0.5"), new("optimizer", "adam")]));
        Assert.Null(Space.Parse([new("layers", "2"), new("lr", "1.1"), new("optimizer", "adam")]));
        Assert.Null(Space.Parse([new("layers", "2"), new("lr", "nan"), new("optimizer", "adam")]));
        Assert.Null(Space.Parse([new("layers", "2"), new("lr", "0.5"), new("optimizer", "Adam")]));
    }

    [Fact]
    public void A_parameter_with_two_values_makes_no_point()
    {
        Assert.Null(Space.Parse([new("layers", "2"), new("layers", "2"), new("lr", "0.5"), new("optimizer", "adam")]));
        Assert.Null(Space.Parse([new("layers", "2"), new("layers", "3"), new("lr", "0.5")]));
    }

    [Fact]
    public void Zero_and_its_negative_are_the_same_point()
    {
        Assert.Equal(new Point([0.0]), new Point([-0.0]));
        Assert.Equal(new Point([0.0]).GetHashCode(), new Point([-0.0]).GetHashCode());
        Assert.True(new Point([1.0]) != new Point([2.0]));
        Assert.False(new Point([1.0]).Equals("1"));
    }

    [Fact]
    public void The_size_is_the_product_unless_there_is_a_continuum()
    {
        var numbers = Enumerable.Range(0, 20).Select(static i => Given.Int("1", "10000000") with { Name = $"p{i}" });

        Assert.Null(Space.Size);
        Assert.Equal(System.Numerics.BigInteger.Pow(10, 140), Given.Space([.. numbers]).Size);
        Assert.Equal(1, Given.Space().Size);
    }
}
