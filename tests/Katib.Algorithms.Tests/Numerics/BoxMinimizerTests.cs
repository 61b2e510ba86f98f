using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Tests.Numerics;

public sealed class BoxMinimizerTests
{
    private static readonly BoxMinimizerOptions Precise = new(500, 1e-9, 0);

    private delegate double Function(ReadOnlySpan<double> x, Span<double> gradient);

    [Fact]
    public void A_quadratic_with_active_bounds()
    {
        var (points, values) = Run(Bowl, Rows([0.5, 0.5, 0.5]), lower: [0, 0, 0], upper: [1, 1, 1]);

        AssertClose([1, 0.25, 0], points.Row(0), 1e-8);
        Assert.Equal((1 * 0.09) + (100 * 0.04), values[0], 1e-12);

        // Its lowest point, (1.3, 0.25, -0.2), lies outside in two directions.
        static double Bowl(ReadOnlySpan<double> x, Span<double> gradient) =>
            Parabola(x, gradient, [1, 10, 100], [1.3, 0.25, -0.2]);
    }

    [Fact]
    public void A_quadratic_whose_variables_pull_each_other_into_a_corner()
    {
        var (points, values) = Run(Coupled, Rows([0.9, 0.1], [0.2, 0.8], [0, 0], [1, 1]), lower: [0, 0], upper: [1, 1]);

        for (var i = 0; i < 4; i++)
        {
            AssertClose([1, 0.8], points.Row(i), 1e-7);
            Assert.Equal(-1.32, values[i], 1e-9);
        }

        // x^2 + y^2 - 1.6 x y - 1.68 x: lowest in the box on the face x = 1, at y = 0.8.
        static double Coupled(ReadOnlySpan<double> x, Span<double> gradient)
        {
            gradient[0] = (2 * x[0]) - (1.6 * x[1]) - 1.68;
            gradient[1] = (2 * x[1]) - (1.6 * x[0]);
            return (x[0] * x[0]) + (x[1] * x[1]) - (1.6 * x[0] * x[1]) - (1.68 * x[0]);
        }
    }

    /// <summary>Without the free set, the curvature of held variables leads astray.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_quadratics_with_many_active_bounds_take_few_evaluations(int seed)
    {
        const int N = 20;
        var factor = Matrices.Random(N, N, seed);
        var target = Matrices.Random(N, seed + 100);
        var evaluations = 0;

        var (points, _) = Run(Quadratic, Rows(new double[N]), Filled(N, -0.3), Filled(N, 0.3));

        var residual = new double[N];
        _ = Quadratic(points.Row(0), residual);
        var held = 0;
        for (var j = 0; j < N; j++)
        {
            held += Math.Abs(points[0, j]) is 0.3 ? 1 : 0;
            Assert.Equal(points[0, j], Math.Clamp(points[0, j] - residual[j], -0.3, 0.3), 1e-7);
        }

        Assert.InRange(held, 5, 15);
        Assert.InRange(evaluations, 1, 45);

        // |M x - 3 t|^2 / 2 with random M and t.
        double Quadratic(ReadOnlySpan<double> x, Span<double> gradient)
        {
            evaluations++;
            var value = 0.0;
            gradient.Clear();
            for (var i = 0; i < N; i++)
            {
                var rest = Matrices.Dot(factor.Row(i), x) - (3 * target[i]);
                value += rest * rest / 2;
                for (var j = 0; j < N; j++)
                {
                    gradient[j] += rest * factor[i, j];
                }
            }

            return value;
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    public void Rosenbrock_is_followed_to_the_end_of_its_valley(int dimension)
    {
        var start = new double[dimension];
        for (var j = 0; j < dimension; j++)
        {
            start[j] = j % 2 is 0 ? -1.2 : 1;
        }

        var evaluations = 0;
        var (points, values) = Run(Counted, Rows(start), Filled(dimension, -5), Filled(dimension, 10));

        // In ten dimensions there is a second minimum near x0 = -1, f = 3.99.
        Assert.InRange(values[0], 0, dimension is 2 ? 1e-14 : 3.99);
        Assert.True(dimension > 2 || Math.Abs(points[0, 0] - 1) < 1e-7);
        Assert.InRange(evaluations, 1, 40 * dimension);

        double Counted(ReadOnlySpan<double> x, Span<double> gradient)
        {
            evaluations++;
            return Rosenbrock(x, gradient);
        }
    }

    [Fact]
    public void Rosenbrock_in_ten_dimensions_from_many_starts()
    {
        var starts = Matrices.Random(20, 10, seed: 1);

        var (points, values) = Run(Rosenbrock, starts, Filled(10, -2), Filled(10, 2));

        for (var i = 0; i < 20; i++)
        {
            var isGlobal = values[i] < 1e-12;
            Assert.True(isGlobal || Math.Abs(values[i] - 3.98657911) < 1e-6, $"start {i} ended at {values[i]:R}");
            Assert.Equal(isGlobal ? 1 : -1, Math.Sign(points[i, 0]));
        }
    }

    [Fact]
    public void A_minimum_of_Rosenbrock_on_the_bound()
    {
        var (points, values) = Run(Rosenbrock, Rows([-1.2, 1], [0.5, -1]), lower: [-2, -2], upper: [0.8, 2]);

        for (var i = 0; i < 2; i++)
        {
            AssertClose([0.8, 0.64], points.Row(i), 1e-7);
            Assert.Equal(0.04, values[i], 1e-12);
        }
    }

    [Fact]
    public void A_start_at_a_bound_or_outside_comes_away_from_it()
    {
        var (points, _) = Run(
            Bowl, Rows([0, 0, 0], [1, 1, 1], [0, 1, 0.5], [-7, 0.5, 12]), lower: [0, 0, 0], upper: [1, 1, 1]);

        for (var i = 0; i < 4; i++)
        {
            AssertClose([0.3, 0.6, 0.9], points.Row(i), 1e-8);
        }

        static double Bowl(ReadOnlySpan<double> x, Span<double> gradient) =>
            Parabola(x, gradient, [1, 50, 3], [0.3, 0.6, 0.9]);
    }

    [Fact]
    public void Equal_bounds_hold_a_variable_and_infinite_ones_do_not()
    {
        var (points, _) = Run(
            Bowl,
            Rows([9, 0, 0]),
            lower: [0.5, double.NegativeInfinity, -1],
            upper: [0.5, double.PositiveInfinity, double.PositiveInfinity]);

        AssertClose([0.5, 40, -1], points.Row(0), 1e-7);

        static double Bowl(ReadOnlySpan<double> x, Span<double> gradient) =>
            Parabola(x, gradient, [1, 2, 3], [0, 40, -2]);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_region_without_finite_values_is_avoided(double value)
    {
        var (points, values) = Run(Walled, Rows([0.1, 0.9], [0.9, 0.1]), lower: [0, 0], upper: [1, 1]);

        // Half of the box has no values; the lowest of the other half lies just inside.
        AssertClose([0.49, 0.5], points.Row(0), 1e-6);
        Assert.Equal(0, values[0], 1e-10);
        Assert.Equal(double.PositiveInfinity, values[1]);
        Assert.Equal([0.9, 0.1], points.Row(1).ToArray());

        double Walled(ReadOnlySpan<double> x, Span<double> gradient)
        {
            var inside = Parabola(x, gradient, [1, 9], [0.49, 0.5]);
            return x[0] > 0.5 ? value : inside;
        }
    }

    [Fact]
    public void A_gradient_that_is_not_finite_counts_as_a_bad_value()
    {
        var (points, values) = Run(Walled, Rows([0.1]), lower: [0], upper: [1]);

        Assert.Equal(0.4, points[0, 0], 1e-7);
        Assert.Equal(0, values[0], 1e-12);

        static double Walled(ReadOnlySpan<double> x, Span<double> gradient)
        {
            var value = Parabola(x, gradient, [1], [0.4]);
            gradient[0] = x[0] > 0.41 ? double.NaN : gradient[0];
            return value;
        }
    }

    [Fact]
    public void Starts_side_by_side_take_the_paths_that_each_takes_alone()
    {
        var starts = Matrices.Random(12, 6, seed: 2);
        var (together, values) = Run(Rosenbrock, Matrices.Copy(starts), Filled(6, -0.9), Filled(6, 2));

        for (var i = 0; i < 12; i++)
        {
            var alone = Run(Rosenbrock, Rows(starts.Row(i).ToArray()), Filled(6, -0.9), Filled(6, 2));
            Assert.Equal(Matrices.Bits(together.Row(i)), Matrices.Bits(alone.Points.Row(0)));
            Assert.Equal(values[i], alone.Values[0]);
        }
    }

    [Fact]
    public void Each_round_is_one_call_with_the_starts_that_are_left()
    {
        var rounds = new List<int[]>();
        var starts = Rows([0.3, 0.3], [-1.2, 1], [0.9, 0.8]);

        BoxMinimizer.Minimize(starts, [-2, -2], [2, 2], Precise, Record, new double[3]);

        Assert.Equal([0, 1, 2], rounds[0]);
        Assert.InRange(rounds.Count, 10, 100);
        for (var i = 1; i < rounds.Count; i++)
        {
            Assert.NotEmpty(rounds[i]);
            Assert.Subset(rounds[i - 1].ToHashSet(), rounds[i].ToHashSet());
        }

        void Record(ReadOnlySpan<int> which, Matrix x, Span<double> values, Matrix gradients)
        {
            Assert.Equal((which.Length, which.Length, which.Length), (x.Rows, values.Length, gradients.Rows));
            rounds.Add(which.ToArray());
            Evaluate(Rosenbrock, x, values, gradients);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void The_limit_of_iterations_is_kept(int limit)
    {
        double[] start = [-1.2, 1];
        var best = Rosenbrock(start, new double[2]);
        var steps = 0;

        var (_, values) = Run(Counted, Rows(start), [-5, -5], [10, 10], new(limit, 1e-9, 0));

        Assert.Equal(limit, steps);
        Assert.Equal(best, values[0]);

        // An accepted point is one that lies lower than all before it, as Armijo's condition is weak.
        double Counted(ReadOnlySpan<double> x, Span<double> gradient)
        {
            var value = Rosenbrock(x, gradient);
            steps += value < best ? 1 : 0;
            best = Math.Min(best, value);
            return value;
        }
    }

    [Fact]
    public void A_small_gradient_or_a_small_decrease_ends_the_descent()
    {
        var calls = 0;

        _ = Run(Counted, Rows([0.5001, 0.5001]), [0, 0], [1, 1], new(100, 1e-2, 0));
        var atOnce = calls;
        _ = Run(Counted, Rows([0, 0]), [0, 0], [1, 1], new(100, 0, 1e3));

        Assert.Equal(1, atOnce);
        Assert.Equal(3, calls);

        double Counted(ReadOnlySpan<double> x, Span<double> gradient)
        {
            calls++;
            return Parabola(x, gradient, [0.5, 0.5], [0.5, 0.5]);
        }
    }

    [Fact]
    public void A_wrong_gradient_does_not_go_on_for_ever()
    {
        var calls = 0;

        var (points, _) = Run(Uphill, Rows([0.5]), [0], [1]);

        Assert.Equal(0.5, points[0, 0]);
        Assert.InRange(calls, 1, 21);

        double Uphill(ReadOnlySpan<double> x, Span<double> gradient)
        {
            calls++;
            gradient[0] = 1;
            return -x[0];
        }
    }

    private static double Parabola(
        ReadOnlySpan<double> x, Span<double> gradient, ReadOnlySpan<double> weights, ReadOnlySpan<double> centre)
    {
        var value = 0.0;
        for (var j = 0; j < x.Length; j++)
        {
            var difference = x[j] - centre[j];
            value += weights[j] * difference * difference;
            gradient[j] = 2 * weights[j] * difference;
        }

        return value;
    }

    [Fact]
    public void After_the_rounds_only_the_best_start_goes_on()
    {
        var calls = new int[3];
        var starts = Rows([-1.2, 1], [0.9, 0.9], [3, -2]);
        var values = new double[3];

        BoxMinimizer.Minimize(starts, [-5, -5], [5, 5], Precise with { Rounds = 4 }, Count, values);

        Assert.Equal((4, 4), (calls[0], calls[2]));
        Assert.True(calls[1] > 4, $"The best start had {calls[1]} calls.");
        AssertClose([1, 1], starts.Row(1), 1e-6);
        Assert.All([values[0], values[2]], v => Assert.True(v > values[1] && double.IsFinite(v)));

        void Count(ReadOnlySpan<int> which, Matrix x, Span<double> found, Matrix gradients)
        {
            foreach (var start in which)
            {
                calls[start]++;
            }

            Evaluate(Rosenbrock, x, found, gradients);
        }
    }

    [Fact]
    public void When_the_best_start_has_ended_before_the_rounds_have_the_others_end_too()
    {
        var calls = 0;
        var values = new double[2];

        // The first start lies where it is lowest already.
        BoxMinimizer.Minimize(
            Rows([1, 1], [-1.2, 1]), [-5, -5], [5, 5], Precise with { Rounds = 5 }, Count, values);

        Assert.Equal(5, calls);
        Assert.Equal(0, values[0]);

        void Count(ReadOnlySpan<int> which, Matrix x, Span<double> found, Matrix gradients)
        {
            calls++;
            Evaluate(Rosenbrock, x, found, gradients);
        }
    }

    private static double Rosenbrock(ReadOnlySpan<double> x, Span<double> gradient)
    {
        var value = 0.0;
        gradient.Clear();
        for (var j = 0; j < x.Length - 1; j++)
        {
            var (bend, rest) = (x[j + 1] - (x[j] * x[j]), 1 - x[j]);
            value += (100 * bend * bend) + (rest * rest);
            gradient[j] -= (400 * bend * x[j]) + (2 * rest);
            gradient[j + 1] += 200 * bend;
        }

        return value;
    }

    private static (Matrix Points, double[] Values) Run(
        Function function, Matrix starts, double[] lower, double[] upper, BoxMinimizerOptions? options = null)
    {
        var values = new double[starts.Rows];
        BoxMinimizer.Minimize(
            starts,
            lower,
            upper,
            options ?? Precise,
            (_, x, values, gradients) => Evaluate(function, x, values, gradients),
            values);
        return (starts, values);
    }

    private static void Evaluate(Function function, Matrix x, Span<double> values, Matrix gradients)
    {
        for (var row = 0; row < x.Rows; row++)
        {
            values[row] = function(x.Row(row), gradients.Row(row));
        }
    }

    private static Matrix Rows(params double[][] rows)
    {
        var matrix = new Matrix(rows.Length, rows[0].Length);
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].CopyTo(matrix.Row(i));
        }

        return matrix;
    }

    private static double[] Filled(int length, double value)
    {
        var array = new double[length];
        Array.Fill(array, value);
        return array;
    }

    private static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], tolerance);
        }
    }
}
