using System.Numerics;
using System.Runtime.InteropServices;
using Katib.Algorithms.Numerics;

namespace Katib.Algorithms.Bayesian;

/// <summary>Matérn 5/2 with a length for each axis; two categories are 0 or 1 apart.</summary>
/// <remarks>
/// C. E. Rasmussen and C. Williams, "Gaussian processes for machine learning", 2006, equation 4.17. With r² the squared
/// distance in lengths and a = √5 r: k = s (1 + a + a²/3) e^-a and dk/d(r²) = -5/6 s (1 + a) e^-a, finite at r = 0.
/// </remarks>
internal sealed class MaternKernel
{
    private const int Chunk = 256;

    private readonly double[] _weights;
    private readonly bool[] _isCategorical;

    public MaternKernel(ModelSpace space, Hyperparameters hyperparameters)
        : this([.. space.Axes.Select(static a => a.IsCategorical)], hyperparameters.Logs.AsSpan())
    {
    }

    /// <summary>From logarithms as they stand in <see cref="Hyperparameters"/>.</summary>
    public MaternKernel(bool[] isCategorical, ReadOnlySpan<double> logs)
    {
        _isCategorical = isCategorical;
        _weights = new double[isCategorical.Length];
        Reset(logs);
    }

    /// <summary>The variance of the signal: the covariance of a point with itself.</summary>
    public double Signal { get; private set; }

    /// <summary>One over the squared length, for each axis.</summary>
    public ReadOnlySpan<double> Weights => _weights;

    /// <summary>Whether an axis has categories.</summary>
    public bool IsCategorical(int axis) => _isCategorical[axis];

    /// <summary>Takes other hyperparameters.</summary>
    public void Reset(ReadOnlySpan<double> logs)
    {
        for (var d = 0; d < _weights.Length; d++)
        {
            _weights[d] = Math.Exp(-2 * logs[d]);
        }

        Signal = Math.Exp(logs[_weights.Length]);
    }

    /// <summary>Squared distances, in lengths, of one point to the first of many.</summary>
    /// <param name="unit">The point.</param>
    /// <param name="columns">The many: a row for each axis, a column for each point.</param>
    /// <param name="squares">As many as are wanted.</param>
    public void Distances(ReadOnlySpan<double> unit, Matrix columns, Span<double> squares)
    {
        squares.Clear();
        for (var d = 0; d < _weights.Length; d++)
        {
            AddSquares(columns.Row(d)[..squares.Length], unit[d], _weights[d], _isCategorical[d], squares);
        }
    }

    /// <summary>Turns squared distances into covariances.</summary>
    public void Covariances(Span<double> squares) => Apply(squares, slopes: default, Signal);

    /// <summary>Turns squared distances into covariances, and gives their derivatives by the squared distance.</summary>
    public void Covariances(Span<double> squares, Span<double> slopes) => Apply(squares, slopes, Signal);

    /// <summary>Adds weight * (x - value)², or weight where a category differs.</summary>
    private static void AddSquares(
        ReadOnlySpan<double> column, double value, double weight, bool isCategorical, Span<double> squares)
    {
        var x = MemoryMarshal.Cast<double, Vector<double>>(column);
        var sums = MemoryMarshal.Cast<double, Vector<double>>(squares);
        var (values, weights) = (new Vector<double>(value), new Vector<double>(weight));
        if (isCategorical)
        {
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += Vector.ConditionalSelect(Vector.Equals(x[i], values), Vector<double>.Zero, weights);
            }
        }
        else
        {
            for (var i = 0; i < sums.Length; i++)
            {
                var difference = x[i] - values;
                sums[i] = Vector.FusedMultiplyAdd(weights * difference, difference, sums[i]);
            }
        }

        for (var i = sums.Length * Vector<double>.Count; i < squares.Length; i++)
        {
            var difference = isCategorical ? (column[i] == value ? 0 : 1) : column[i] - value;
            squares[i] = Math.FusedMultiplyAdd(weight * difference, difference, squares[i]);
        }
    }

    private static void Apply(Span<double> squares, Span<double> slopes, double signal)
    {
        Span<double> roots = stackalloc double[Chunk];
        Span<double> powers = stackalloc double[Chunk];
        for (var start = 0; start < squares.Length; start += Chunk)
        {
            var part = squares.Slice(start, Math.Min(Chunk, squares.Length - start));
            NegativeRoots(part, roots);
            DenseKernels.Exp(roots[..part.Length], powers[..part.Length]);
            var slope = slopes.IsEmpty ? default : slopes.Slice(start, part.Length);
            var done = Finish(part, roots, powers, slope, signal);
            for (var i = done; i < part.Length; i++)
            {
                part[i] = signal * Math.FusedMultiplyAdd(roots[i] * (1.0 / 3), roots[i], 1 - roots[i]) * powers[i];
                if (!slope.IsEmpty)
                {
                    slope[i] = -5.0 / 6 * signal * (1 - roots[i]) * powers[i];
                }
            }
        }
    }

    /// <summary>-√5 r from r².</summary>
    private static void NegativeRoots(ReadOnlySpan<double> squares, Span<double> roots)
    {
        var five = new Vector<double>(5);
        var x = MemoryMarshal.Cast<double, Vector<double>>(squares);
        var result = MemoryMarshal.Cast<double, Vector<double>>(roots);
        for (var i = 0; i < x.Length; i++)
        {
            result[i] = -Vector.SquareRoot(five * x[i]);
        }

        for (var i = x.Length * Vector<double>.Count; i < squares.Length; i++)
        {
            roots[i] = -Math.Sqrt(5 * squares[i]);
        }
    }

    /// <summary>Covariances and slopes of whole vectors.</summary>
    /// <returns>How many numbers are done; less than a vector is left.</returns>
    private static int Finish(
        Span<double> results, ReadOnlySpan<double> roots, ReadOnlySpan<double> powers, Span<double> slopes, double signal)
    {
        var (one, third, factor) = (Vector<double>.One, new Vector<double>(1.0 / 3), new Vector<double>(-5.0 / 6 * signal));
        var result = MemoryMarshal.Cast<double, Vector<double>>(results);
        var slope = MemoryMarshal.Cast<double, Vector<double>>(slopes);
        var root = MemoryMarshal.Cast<double, Vector<double>>(roots);
        var power = MemoryMarshal.Cast<double, Vector<double>>(powers);
        var signals = new Vector<double>(signal);
        for (var i = 0; i < result.Length; i++)
        {
            var linear = one - root[i];
            result[i] = signals * Vector.FusedMultiplyAdd(root[i] * third, root[i], linear) * power[i];
            if (slope.Length > 0)
            {
                slope[i] = factor * linear * power[i];
            }
        }

        return result.Length * Vector<double>.Count;
    }
}
