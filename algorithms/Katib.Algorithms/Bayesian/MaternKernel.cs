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
            for (var i = 0; i < part.Length; i++)
            {
                roots[i] = -Math.Sqrt(5 * part[i]);
            }

            DenseKernels.Exp(roots[..part.Length], powers[..part.Length]);
            for (var i = 0; i < part.Length; i++)
            {
                part[i] = signal * (1 - roots[i] + (roots[i] * roots[i] / 3)) * powers[i];
            }

            for (var i = 0; i < part.Length && !slopes.IsEmpty; i++)
            {
                slopes[start + i] = -5.0 / 6 * signal * (1 - roots[i]) * powers[i];
            }
        }
    }
}
