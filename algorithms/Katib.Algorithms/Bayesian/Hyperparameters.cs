using System.Collections.Immutable;

namespace Katib.Algorithms.Bayesian;

/// <summary>What the fit finds: on logarithmic scale a length for each axis, the signal's variance, the noise's.</summary>
/// <param name="Logs">The logarithms: one length for each axis, then the signal's variance, then the noise's.</param>
/// <remarks>
/// Priors are log-normal, given as densities on the logarithms; lengths grow with the square root of the dimension
/// (C. Hvarfner and others, "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024).
/// </remarks>
internal sealed record Hyperparameters(ImmutableArray<double> Logs)
{
    /// <summary>The least variance of the noise: as good as none, and enough to keep a matrix positive definite.</summary>
    public const double MinNoise = 1e-6;

    private const double LengthDeviation = 1;
    private const double SignalDeviation = 1;
    private const double NoiseMean = -7;
    private const double NoiseDeviation = 2;

    /// <summary>Whether the fit has failed, so that they are what is assumed before anything is known.</summary>
    public bool IsAssumed { get; init; }

    /// <summary>How many axes there are.</summary>
    public int Dimension => Logs.Length - 2;

    /// <summary>The variance of the signal.</summary>
    public double Signal => Math.Exp(Logs[^2]);

    /// <summary>The variance of the noise of a trial that ran to its end.</summary>
    public double Noise => Math.Exp(Logs[^1]);

    /// <summary>The length over which values along an axis resemble each other; a whole axis is 1 long.</summary>
    public double Length(int axis) => Math.Exp(Logs[axis]);

    /// <summary>What is assumed before anything is known.</summary>
    public static Hyperparameters PriorMode(int dimension) =>
        Of(dimension, Math.Exp(LengthMean(dimension)), 1, Math.Exp(NoiseMean));

    /// <summary>The same length on every axis.</summary>
    public static Hyperparameters Of(int dimension, double length, double signal, double noise) =>
        new([.. Enumerable.Repeat(Math.Log(length), dimension), Math.Log(signal), Math.Log(noise)]);

    /// <summary>The same with all lengths multiplied.</summary>
    public Hyperparameters WithLengthsTimes(double factor) =>
        new([.. Logs[..^2].Select(log => log + Math.Log(factor)), Logs[^2], Logs[^1]]);

    /// <summary>The box that the fit stays in.</summary>
    public static void Bounds(int dimension, Span<double> lower, Span<double> upper)
    {
        lower[..dimension].Fill(Math.Log(0.02));
        upper[..dimension].Fill(Math.Log(100 * Math.Sqrt(dimension)));
        (lower[dimension], upper[dimension]) = (Math.Log(1e-3), Math.Log(1e2));
        (lower[dimension + 1], upper[dimension + 1]) = (Math.Log(MinNoise), 0);
    }

    /// <summary>Adds the prior's part of the gradient, and returns its negative log density up to a constant.</summary>
    public static double NegativeLogPrior(ReadOnlySpan<double> logs, Span<double> gradient)
    {
        var dimension = logs.Length - 2;
        var mean = LengthMean(dimension);
        var sum = 0.0;
        for (var i = 0; i < dimension; i++)
        {
            sum += Term(logs[i], mean, LengthDeviation, ref gradient[i]);
        }

        return sum
            + Term(logs[^2], 0, SignalDeviation, ref gradient[^2])
            + Term(logs[^1], NoiseMean, NoiseDeviation, ref gradient[^1]);
    }

    private static double LengthMean(int dimension) => Math.Log(0.4) + (0.5 * Math.Log(dimension));

    private static double Term(double value, double mean, double deviation, ref double slope)
    {
        var z = (value - mean) / deviation;
        slope += z / deviation;
        return z * z / 2;
    }
}
