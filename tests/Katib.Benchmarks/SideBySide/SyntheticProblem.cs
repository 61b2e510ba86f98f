using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>The loss as a function of the parameters; null where a trial fails.</summary>
internal delegate double? Formula(ReadOnlySpan<double> x);

/// <summary>A problem given by a formula.</summary>
internal sealed class SyntheticProblem : TestProblem
{
    private readonly Formula _formula;

    /// <summary>Takes the point at which the formula has its minimum; the loss there is the smallest.</summary>
    public SyntheticProblem(
        string name, ImmutableArray<ParameterSpec> parameters, Formula formula, ReadOnlySpan<double> optimum)
        : base(name, ProblemGroup.Synthetic, parameters, formula(optimum)!.Value)
    {
        _formula = formula;
        Optimum = [.. optimum];
    }

    /// <summary>Where the minimum lies.</summary>
    public ImmutableArray<double> Optimum { get; }

    /// <summary>
    /// A landscape of real numbers, moved so that its minimum lies at a drawn place of a box, at a drawn level.
    /// </summary>
    /// <param name="name">The problem's name; everything is drawn from it.</param>
    /// <param name="landscape">The landscape.</param>
    /// <param name="dimension">How many parameters there are.</param>
    /// <param name="low">The lower bound of each.</param>
    /// <param name="high">The upper bound of each.</param>
    /// <param name="rotated">Whether the axes of the landscape are turned.</param>
    /// <param name="around">
    /// Where the minimum lies before a shift of up to a tenth of the box; without it, it is drawn from the middle 70 %.
    /// </param>
    public static SyntheticProblem Moved(
        string name,
        Landscape landscape,
        int dimension,
        double low,
        double high,
        bool rotated = false,
        double[]? around = null) =>
        Moved(name, landscape, [.. Enumerable.Repeat((low, high), dimension)], rotated, around);

    /// <summary>The same with bounds of its own for each parameter.</summary>
    public static SyntheticProblem Moved(
        string name,
        Landscape landscape,
        (double Low, double High)[] box,
        bool rotated = false,
        double[]? around = null)
    {
        var draws = new Draws(name);
        var optimum = new double[box.Length];
        for (var i = 0; i < box.Length; i++)
        {
            var (low, high) = box[i];
            var width = high - low;
            optimum[i] = around is null
                ? draws.Uniform(low + (0.15 * width), high - (0.15 * width))
                : around[i] + (width * draws.Uniform(-0.1, 0.1));
        }

        var level = draws.Uniform(-100, 100);
        var rotation = rotated ? draws.Rotation(box.Length) : null;
        return new(
            name,
            [.. box.Select(static (b, i) => Real($"x{i + 1}", b.Low, b.High))],
            Place(landscape, optimum, rotation, level),
            optimum);
    }

    /// <summary>The same problem with noise, given as a standard deviation.</summary>
    public SyntheticProblem WithNoise(double deviation) =>
        new(Name, Parameters, _formula, Optimum.AsSpan()) { NoiseDeviation = deviation };

    /// <summary>The same problem under another name, of whose trials a share fails.</summary>
    public SyntheticProblem WithFailingShare(string name, double share) =>
        new(name, Parameters, _formula, Optimum.AsSpan()) { FailingShare = share };

    /// <summary>The same problem, of which every trial fails outside of a region; its minimum lies inside.</summary>
    public SyntheticProblem FailingUnless(Func<ImmutableArray<double>, bool> succeeds) =>
        new(Name, Parameters, x => succeeds([.. x]) ? _formula(x) : null, Optimum.AsSpan());

    /// <summary>A real parameter.</summary>
    public static ParameterSpec Real(
        string name, double min, double max, string step = "", Distribution distribution = Distribution.Uniform) =>
        new(name, ParameterType.Double, new(Text(min), Text(max), step, Distribution: distribution));

    /// <summary>A whole-number parameter.</summary>
    public static ParameterSpec Whole(
        string name, int min, int max, string step = "", Distribution distribution = Distribution.Uniform) =>
        new(name, ParameterType.Int, new(Text(min), Text(max), step, Distribution: distribution));

    /// <summary>A discrete parameter.</summary>
    public static ParameterSpec Listed(string name, params ImmutableArray<string> values) =>
        new(name, ParameterType.Discrete, new(List: values));

    /// <summary>A categorical parameter.</summary>
    public static ParameterSpec Choice(string name, params ImmutableArray<string> values) =>
        new(name, ParameterType.Categorical, new(List: values));

    private protected override double? LossAt(ReadOnlySpan<double> x) => _formula(x);

    private static Formula Place(Landscape landscape, double[] optimum, double[][]? rotation, double level) => x =>
    {
        var z = new double[x.Length];
        for (var i = 0; i < z.Length; i++)
        {
            if (rotation is null)
            {
                z[i] = x[i] - optimum[i];
                continue;
            }

            for (var j = 0; j < z.Length; j++)
            {
                z[i] += rotation[i][j] * (x[j] - optimum[j]);
            }
        }

        return level + landscape(z);
    };

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
