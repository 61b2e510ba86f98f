namespace Katib.Benchmarks.SideBySide;

/// <summary>A function of real numbers.</summary>
internal delegate double Landscape(ReadOnlySpan<double> x);

/// <summary>Test functions, each written so that its global minimum over all real numbers is 0, at 0.</summary>
/// <remarks>
/// <para>The classic ones follow M. Molga and C. Smutnicki, "Test functions for optimization needs", 2005, and S.
/// Surjanovic and D. Bingham's Virtual Library of Simulation Experiments; those of the BBOB families N. Hansen and
/// others, "Real-parameter black-box optimization benchmarking 2009: noiseless functions definitions", INRIA RR-6829,
/// without its boundary penalties.</para>
/// </remarks>
internal static class Landscapes
{
    private const double BraninLowest = 0.39788735772973816;
    private const double HartmannLowest = -3.3223680114155156;
    private const double Hartmann3Lowest = -3.8627797873327;
    private const double CamelLowest = -1.0316284534898774;
    private const double StyblinskiTangLowest = -39.16616570377142;

    private static readonly double[] HartmannWeights = [1, 1.2, 3, 3.2];

    private static readonly double[][] HartmannScales =
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ];

    private static readonly double[][] HartmannCentres =
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];

    private static readonly double[][] Hartmann3Scales = [[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]];

    private static readonly double[][] Hartmann3Centres =
    [
        [0.3689, 0.1170, 0.2673],
        [0.4699, 0.4387, 0.7470],
        [0.1091, 0.8732, 0.5547],
        [0.0381, 0.5743, 0.8828],
    ];

    /// <summary>Where Hartmann's function of six dimensions has its minimum.</summary>
    public static readonly double[] HartmannOptimum =
        [0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054];

    /// <summary>The same for three dimensions.</summary>
    public static readonly double[] Hartmann3Optimum = [0.11461434, 0.55564885, 0.85254695];

    /// <summary>Branin's function, with one of its minima at the origin; never below it anywhere.</summary>
    public static double Branin(ReadOnlySpan<double> z)
    {
        var (x, y) = (z[0] + Math.PI, z[1] + 2.275);
        var inner = y - (5.1 / (4 * Math.PI * Math.PI) * x * x) + (5 / Math.PI * x) - 6;
        return (inner * inner) + (10 * (1 - (1 / (8 * Math.PI))) * Math.Cos(x)) + 10 - BraninLowest;
    }

    /// <summary>The six-hump camel.</summary>
    public static double Camel(ReadOnlySpan<double> z)
    {
        var (x, y) = (z[0] + 0.08984201368301331, z[1] - 0.7126564032704135);
        var (xx, yy) = (x * x, y * y);
        return ((4 - (2.1 * xx) + (xx * xx / 3)) * xx) + (x * y) + ((-4 + (4 * yy)) * yy) - CamelLowest;
    }

    /// <summary>Hartmann's function of six dimensions.</summary>
    public static double Hartmann6(ReadOnlySpan<double> z) =>
        Hartmann(z, HartmannOptimum, HartmannScales, HartmannCentres) - HartmannLowest;

    /// <summary>Hartmann's function of three dimensions.</summary>
    public static double Hartmann3(ReadOnlySpan<double> z) =>
        Hartmann(z, Hartmann3Optimum, Hartmann3Scales, Hartmann3Centres) - Hartmann3Lowest;

    public static double Sphere(ReadOnlySpan<double> z)
    {
        var sum = 0.0;
        foreach (var value in z)
        {
            sum += value * value;
        }

        return sum;
    }

    public static double Rosenbrock(ReadOnlySpan<double> z)
    {
        var sum = 0.0;
        for (var i = 0; i + 1 < z.Length; i++)
        {
            var (x, next) = (z[i] + 1, z[i + 1] + 1);
            var bend = next - (x * x);
            sum += (100 * bend * bend) + ((1 - x) * (1 - x));
        }

        return sum;
    }

    /// <summary>An ellipsoid with a condition of 10^6.</summary>
    public static double Ellipsoid(ReadOnlySpan<double> z) => Powers(z, 1e6);

    public static double Levy(ReadOnlySpan<double> z)
    {
        var first = Math.Sin(Math.PI * (1 + (z[0] / 4)));
        var sum = first * first;
        for (var i = 0; i + 1 < z.Length; i++)
        {
            var w = 1 + (z[i] / 4);
            var wave = Math.Sin((Math.PI * w) + 1);
            sum += (w - 1) * (w - 1) * (1 + (10 * wave * wave));
        }

        var last = 1 + (z[^1] / 4);
        var lastWave = Math.Sin(2 * Math.PI * last);
        return sum + ((last - 1) * (last - 1) * (1 + (lastWave * lastWave)));
    }

    public static double Ackley(ReadOnlySpan<double> z)
    {
        var waves = 0.0;
        foreach (var value in z)
        {
            waves += Math.Cos(2 * Math.PI * value);
        }

        return 20 + Math.E
            - (20 * Math.Exp(-0.2 * Math.Sqrt(Sphere(z) / z.Length))) - Math.Exp(waves / z.Length);
    }

    public static double Rastrigin(ReadOnlySpan<double> z)
    {
        var sum = 0.0;
        foreach (var value in z)
        {
            sum += (value * value) + (10 * (1 - Math.Cos(2 * Math.PI * value)));
        }

        return sum;
    }

    /// <summary>Griewank's function on a scale on which its waves can be seen.</summary>
    public static double Griewank(ReadOnlySpan<double> z)
    {
        var product = 1.0;
        for (var i = 0; i < z.Length; i++)
        {
            product *= Math.Cos(z[i] / Math.Sqrt(i + 1));
        }

        return (Sphere(z) / 40) + 1 - product;
    }

    public static double StyblinskiTang(ReadOnlySpan<double> z)
    {
        var sum = 0.0;
        foreach (var value in z)
        {
            var x = value - 2.903534018185960;
            sum += (((x * x * x * x) - (16 * x * x) + (5 * x)) / 2) - StyblinskiTangLowest;
        }

        return sum;
    }

    /// <summary>The families of BBOB, by name.</summary>
    public static IReadOnlyDictionary<string, Landscape> Families { get; } = new Dictionary<string, Landscape>(
        StringComparer.Ordinal)
    {
        ["sphere"] = Sphere,
        ["ellipsoid"] = static z => Powers(Oscillated(z), 1e6),
        ["rastrigin"] = static z => Rastrigin(Scaled(Asymmetric(Oscillated(z), 0.2), 10)),
        ["attractivesector"] = AttractiveSector,
        ["stepellipsoid"] = StepEllipsoid,
        ["rosenbrock"] = static z => Rosenbrock(Times(z, Math.Max(1, Math.Sqrt(z.Length) / 8))),
        ["discus"] = Discus,
        ["bentcigar"] = BentCigar,
        ["sharpridge"] = SharpRidge,
        ["differentpowers"] = DifferentPowers,
        ["weierstrass"] = Weierstrass,
        ["schaffers"] = Schaffers,
        ["griewankrosenbrock"] = GriewankRosenbrock,
    };

    /// <summary>Gallagher's peaks: the deepest at the origin, the others drawn, all of them ellipsoids.</summary>
    public static Landscape Gallagher(int dimension, int peaks, Draws draws)
    {
        var centres = new double[peaks][];
        var scales = new double[peaks][];
        var heights = new double[peaks];
        for (var k = 0; k < peaks; k++)
        {
            var condition = k is 0 ? 1e3 : Math.Pow(1000, 2.0 * draws.Below(peaks - 1) / (peaks - 2));
            centres[k] = [.. Enumerable.Range(0, dimension).Select(_ => k is 0 ? 0 : draws.Uniform(-8, 8))];
            scales[k] =
            [
                .. Enumerable.Range(0, dimension)
                    .Select(_ => Math.Pow(condition, draws.Uniform() - 0.5) / Math.Pow(condition, 0.25)),
            ];
            heights[k] = k is 0 ? 10 : 1.1 + (8.0 * (k - 1) / (peaks - 2));
        }

        return z =>
        {
            var highest = 0.0;
            for (var k = 0; k < peaks; k++)
            {
                var distance = 0.0;
                for (var i = 0; i < z.Length; i++)
                {
                    var apart = z[i] - centres[k][i];
                    distance += scales[k][i] * apart * apart;
                }

                highest = Math.Max(highest, heights[k] * Math.Exp(-distance / (2 * z.Length)));
            }

            var missing = Oscillated(10 - highest);
            return missing * missing;
        };
    }

    private static double Hartmann(ReadOnlySpan<double> z, double[] optimum, double[][] scales, double[][] centres)
    {
        var sum = 0.0;
        for (var i = 0; i < HartmannWeights.Length; i++)
        {
            var distance = 0.0;
            for (var j = 0; j < optimum.Length; j++)
            {
                var apart = z[j] + optimum[j] - centres[i][j];
                distance += scales[i][j] * apart * apart;
            }

            sum -= HartmannWeights[i] * Math.Exp(-distance);
        }

        return sum;
    }

    private static double AttractiveSector(ReadOnlySpan<double> z)
    {
        var sum = 0.0;
        foreach (var value in Scaled(z.ToArray(), 10))
        {
            var scaled = value > 0 ? 100 * value : value;
            sum += scaled * scaled;
        }

        return Math.Pow(Oscillated(sum), 0.9);
    }

    private static double StepEllipsoid(ReadOnlySpan<double> z)
    {
        var scaled = Scaled(z.ToArray(), 10);
        var first = Math.Abs(scaled[0]) / 1e4;
        for (var i = 0; i < scaled.Length; i++)
        {
            scaled[i] = Math.Abs(scaled[i]) > 0.5
                ? Math.Floor(0.5 + scaled[i])
                : Math.Floor(0.5 + (10 * scaled[i])) / 10;
        }

        return 0.1 * Math.Max(first, Powers(scaled, 100));
    }

    private static double Discus(ReadOnlySpan<double> z)
    {
        var values = Oscillated(z);
        return (1e6 * values[0] * values[0]) + Sphere(values.AsSpan(1));
    }

    private static double BentCigar(ReadOnlySpan<double> z)
    {
        var values = Asymmetric(z.ToArray(), 0.5);
        return (values[0] * values[0]) + (1e6 * Sphere(values.AsSpan(1)));
    }

    private static double SharpRidge(ReadOnlySpan<double> z)
    {
        var values = Scaled(z.ToArray(), 10);
        return (values[0] * values[0]) + (100 * Math.Sqrt(Sphere(values.AsSpan(1))));
    }

    private static double DifferentPowers(ReadOnlySpan<double> z)
    {
        var sum = 0.0;
        for (var i = 0; i < z.Length; i++)
        {
            sum += Math.Pow(Math.Abs(z[i]), 2 + (4 * Share(i, z.Length)));
        }

        return Math.Sqrt(sum);
    }

    private static double Weierstrass(ReadOnlySpan<double> z)
    {
        const int Terms = 12;
        var values = Scaled(Oscillated(z), 0.01);
        var sum = 0.0;
        var lowest = 0.0;
        for (var k = 0; k < Terms; k++)
        {
            var (height, frequency) = (Math.Pow(0.5, k), Math.Pow(3, k));
            lowest += height * Math.Cos(Math.PI * frequency);
            foreach (var value in values)
            {
                sum += height * Math.Cos(2 * Math.PI * frequency * (value + 0.5)) / values.Length;
            }
        }

        var excess = Math.Max(0, sum - lowest);
        return 10 * excess * excess * excess;
    }

    private static double Schaffers(ReadOnlySpan<double> z)
    {
        var values = Scaled(Asymmetric(z.ToArray(), 0.5), 10);
        var sum = 0.0;
        for (var i = 0; i + 1 < values.Length; i++)
        {
            var s = Math.Sqrt((values[i] * values[i]) + (values[i + 1] * values[i + 1]));
            var wave = Math.Sin(50 * Math.Pow(s, 0.2));
            sum += Math.Sqrt(s) * (1 + (wave * wave));
        }

        var mean = sum / (values.Length - 1);
        return mean * mean;
    }

    private static double GriewankRosenbrock(ReadOnlySpan<double> z)
    {
        var scale = Math.Max(1, Math.Sqrt(z.Length) / 8);
        var sum = 0.0;
        for (var i = 0; i + 1 < z.Length; i++)
        {
            var (x, next) = ((scale * z[i]) + 1, (scale * z[i + 1]) + 1);
            var s = (100 * ((x * x) - next) * ((x * x) - next)) + ((1 - x) * (1 - x));
            sum += (s / 4000) - Math.Cos(s);
        }

        return 10 + (10 * sum / (z.Length - 1));
    }

    private static double Powers(ReadOnlySpan<double> z, double condition)
    {
        var sum = 0.0;
        for (var i = 0; i < z.Length; i++)
        {
            sum += Math.Pow(condition, Share(i, z.Length)) * z[i] * z[i];
        }

        return sum;
    }

    private static double Share(int i, int count) => count is 1 ? 0 : (double)i / (count - 1);

    /// <summary>BBOB's T_osz.</summary>
    private static double[] Oscillated(ReadOnlySpan<double> z)
    {
        var values = z.ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Oscillated(values[i]);
        }

        return values;
    }

    private static double Oscillated(double value)
    {
        if (value == 0)
        {
            return 0;
        }

        var log = Math.Log(Math.Abs(value));
        var (c1, c2) = value > 0 ? (10, 7.9) : (5.5, 3.1);
        return Math.Sign(value) * Math.Exp(log + (0.049 * (Math.Sin(c1 * log) + Math.Sin(c2 * log))));
    }

    /// <summary>BBOB's T_asy.</summary>
    private static double[] Asymmetric(double[] values, double beta)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] > 0)
            {
                values[i] = Math.Pow(values[i], 1 + (beta * Share(i, values.Length) * Math.Sqrt(values[i])));
            }
        }

        return values;
    }

    /// <summary>BBOB's Lambda: the axes stretched up to the root of the condition.</summary>
    private static double[] Scaled(double[] values, double condition)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] *= Math.Pow(condition, Share(i, values.Length) / 2);
        }

        return values;
    }

    private static double[] Times(ReadOnlySpan<double> z, double factor)
    {
        var values = z.ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            values[i] *= factor;
        }

        return values;
    }
}
