using System.Numerics;
using System.Runtime.InteropServices;

namespace Katib.Algorithms.Bayesian;

/// <summary>Sums and products over many places, in a fixed order.</summary>
internal static class VectorSums
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

    /// <summary>target += scale * x.</summary>
    public static void AddScaled(double scale, ReadOnlySpan<double> x, Span<double> target)
    {
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(x[..target.Length]);
        var sums = MemoryMarshal.Cast<double, Vector<double>>(target);
        var scales = new Vector<double>(scale);
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i] = Vector.FusedMultiplyAdd(scales, vectors[i], sums[i]);
        }

        for (var i = sums.Length * Vector<double>.Count; i < target.Length; i++)
        {
            target[i] = Math.FusedMultiplyAdd(scale, x[i], target[i]);
        }
    }

    /// <summary>target *= x, element by element.</summary>
    public static void Multiply(ReadOnlySpan<double> x, Span<double> target)
    {
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(x[..target.Length]);
        var products = MemoryMarshal.Cast<double, Vector<double>>(target);
        for (var i = 0; i < products.Length; i++)
        {
            products[i] *= vectors[i];
        }

        for (var i = products.Length * Vector<double>.Count; i < target.Length; i++)
        {
            target[i] *= x[i];
        }
    }

    /// <summary>target *= scale.</summary>
    public static void Scale(double scale, Span<double> target)
    {
        var products = MemoryMarshal.Cast<double, Vector<double>>(target);
        for (var i = 0; i < products.Length; i++)
        {
            products[i] *= scale;
        }

        for (var i = products.Length * Vector<double>.Count; i < target.Length; i++)
        {
            target[i] *= scale;
        }
    }

    /// <summary>Σ x.</summary>
    public static double Sum(ReadOnlySpan<double> x)
    {
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(x);
        var sums = Vector<double>.Zero;
        foreach (var vector in vectors)
        {
            sums += vector;
        }

        var sum = Vector.Sum(sums);
        for (var i = vectors.Length * Vector<double>.Count; i < x.Length; i++)
        {
            sum += x[i];
        }

        return sum;
    }
}
