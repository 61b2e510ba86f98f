using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Tests.Numerics;

public sealed class MatrixTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(17)]
    public void A_new_matrix_is_zero_with_its_padding(int columns)
    {
        var matrix = new Matrix(3, columns);

        Assert.Equal(0, matrix.Stride % 4);
        Assert.InRange(matrix.Stride, columns, columns + 7);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(columns, matrix.Row(i).Length);
            Assert.Equal(new double[matrix.Stride], matrix.PaddedRow(i).ToArray());
        }
    }

    [Fact]
    public void Another_size_has_zero_padding_whatever_was_there()
    {
        var matrix = new Matrix(6, 8);
        for (var i = 0; i < 6; i++)
        {
            matrix.Row(i).Fill(double.NaN);
        }

        matrix.Resize(9, 5);

        Assert.Equal((9, 5), (matrix.Rows, matrix.Columns));
        for (var i = 0; i < 9; i++)
        {
            Assert.All(matrix.PaddedRow(i)[5..].ToArray(), static padding => Assert.Equal(0, padding));
        }
    }

    [Fact]
    public void Elements_do_not_overlap()
    {
        var matrix = new Matrix(7, 5);
        for (var i = 0; i < 7; i++)
        {
            for (var j = 0; j < 5; j++)
            {
                matrix[i, j] = (10 * i) + j;
            }
        }

        Assert.All(
            Enumerable.Range(0, 7),
            i => Assert.Equal([10.0 * i, (10 * i) + 1, (10 * i) + 2, (10 * i) + 3, (10 * i) + 4], matrix.Row(i).ToArray()));
    }

    [Fact]
    public void Places_outside_are_refused()
    {
        var matrix = new Matrix(2, 3);

        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Row(2).Clear());
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Row(-1).Clear());
        Assert.Throws<IndexOutOfRangeException>(() => matrix[0, 3] = 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Resize(-1, 3));
    }
}
