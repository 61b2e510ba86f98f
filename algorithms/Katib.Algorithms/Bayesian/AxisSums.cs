using System.Numerics;
using System.Runtime.InteropServices;

namespace Katib.Algorithms.Bayesian;

/// <summary>Weighted sums over one axis of many places, in a fixed order.</summary>
internal static class AxisSums
{
    /// <summary>Σ weight (x - value)²; for categories Σ weight where they differ.</summary>
    public static double SquaredDifferences(
        ReadOnlySpan<double> column, double value, ReadOnlySpan<double> weights, bool isCategorical)
    {
        var x = MemoryMarshal.Cast<double, Vector<double>>(column);
        var w = MemoryMarshal.Cast<double, Vector<double>>(weights);
        var values = new Vector<double>(value);
        var sums = Vector<double>.Zero;
        if (isCategorical)
        {
            for (var i = 0; i < w.Length; i++)
            {
                sums += Vector.ConditionalSelect(Vector.Equals(x[i], values), Vector<double>.Zero, w[i]);
            }
        }
        else
        {
            for (var i = 0; i < w.Length; i++)
            {
                var difference = x[i] - values;
                sums = Vector.FusedMultiplyAdd(w[i] * difference, difference, sums);
            }
        }

        var sum = Vector.Sum(sums);
        for (var i = w.Length * Vector<double>.Count; i < weights.Length; i++)
        {
            var difference = isCategorical ? (column[i] == value ? 0 : 1) : column[i] - value;
            sum += weights[i] * difference * difference;
        }

        return sum;
    }

    /// <summary>Σ weight (value - x).</summary>
    public static double Differences(ReadOnlySpan<double> column, double value, ReadOnlySpan<double> weights)
    {
        var x = MemoryMarshal.Cast<double, Vector<double>>(column);
        var w = MemoryMarshal.Cast<double, Vector<double>>(weights);
        var values = new Vector<double>(value);
        var sums = Vector<double>.Zero;
        for (var i = 0; i < w.Length; i++)
        {
            sums = Vector.FusedMultiplyAdd(w[i], values - x[i], sums);
        }

        var sum = Vector.Sum(sums);
        for (var i = w.Length * Vector<double>.Count; i < weights.Length; i++)
        {
            sum += weights[i] * (value - column[i]);
        }

        return sum;
    }
}
