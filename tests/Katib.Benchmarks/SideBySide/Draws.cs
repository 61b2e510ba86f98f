namespace Katib.Benchmarks.SideBySide;

/// <summary>A sequence of random numbers that belongs to a text.</summary>
internal sealed class Draws(string text)
{
    private readonly Philox _philox = new(Philox.KeyOf(text));
    private readonly double[] _unit = new double[1];
    private ulong _drawn;

    /// <summary>Even in [0,1).</summary>
    public double Uniform()
    {
        _philox.Fill(_drawn++, _unit);
        return _unit[0];
    }

    /// <summary>Even between two numbers.</summary>
    public double Uniform(double low, double high) => low + (Uniform() * (high - low));

    /// <summary>Standard normal: Box and Muller, 1958.</summary>
    public double Normal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - Uniform()));
        return radius * Math.Cos(2 * Math.PI * Uniform());
    }

    /// <summary>A whole number from 0 to count - 1.</summary>
    public int Below(int count) => (int)(Uniform() * count);

    /// <summary>A random rotation, its rows the axes: normal numbers, made orthonormal by Gram and Schmidt.</summary>
    public double[][] Rotation(int dimension)
    {
        var rows = new double[dimension][];
        for (var i = 0; i < dimension; i++)
        {
            var row = rows[i] = [.. Enumerable.Range(0, dimension).Select(_ => Normal())];
            foreach (var other in rows.AsSpan(0, i))
            {
                var shared = row.Zip(other, static (a, b) => a * b).Sum();
                for (var j = 0; j < dimension; j++)
                {
                    row[j] -= shared * other[j];
                }
            }

            var norm = Math.Sqrt(row.Sum(static v => v * v));
            for (var j = 0; j < dimension; j++)
            {
                row[j] /= norm;
            }
        }

        return rows;
    }
}
