using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>Where a problem comes from.</summary>
internal enum ProblemGroup
{
    /// <summary>A formula.</summary>
    Synthetic,

    /// <summary>A recorded table of a real tuning task.</summary>
    Real,
}

/// <summary>What came of one trial.</summary>
/// <param name="Observed">The loss that the optimiser is told, noise included; null when the trial failed.</param>
/// <param name="True">The loss without noise; not a number when the trial failed.</param>
internal readonly record struct Outcome(double? Observed, double True);

/// <summary>Something to minimise, with what is known of its minimum.</summary>
/// <remarks>
/// Everything is a function of the problem's name, the seed of the run and the number of the trial. A value beyond a
/// bound counts as the bound, and one between two steps as the nearer one: that is what a program would do that is
/// given values by an optimiser without steps.
/// </remarks>
internal abstract class TestProblem
{
    private protected TestProblem(
        string name, ProblemGroup group, ImmutableArray<ParameterSpec> parameters, double minimum)
    {
        Name = name;
        Group = group;
        Parameters = parameters;
        Minimum = minimum;
        var problems = new List<Problem>();
        Space = SearchSpace.Create(parameters, problems);
        InvalidStudyException.ThrowIfAny(problems);
    }

    /// <summary>Unique among all problems.</summary>
    public string Name { get; }

    public ProblemGroup Group { get; }

    public ImmutableArray<ParameterSpec> Parameters { get; }

    /// <summary>The same parameters, checked.</summary>
    public SearchSpace Space { get; }

    /// <summary>The smallest true loss in the space.</summary>
    public double Minimum { get; }

    /// <summary>The standard deviation of what is added to the true loss.</summary>
    public double NoiseDeviation { get; init; }

    /// <summary>The share of trials that fail wherever they lie.</summary>
    public double FailingShare { get; init; }

    /// <summary>Runs a trial.</summary>
    /// <param name="point">A value for each parameter, by name.</param>
    /// <param name="seed">The number of the run.</param>
    /// <param name="trial">The number of the trial in its run, from 0.</param>
    public Outcome Evaluate(IEnumerable<Assignment> point, int seed, int trial)
    {
        var values = point.ToDictionary(static a => a.Name, static a => a.Value, StringComparer.Ordinal);
        var loss = LossAt([.. Parameters.Select(p => Read(p, values[p.Name]))]);
        var draws = new Draws(FormattableString.Invariant($"{Name} run {seed} trial {trial}"));
        var (fate, noise) = (draws.Uniform(), draws.Normal());
        return loss is { } value && fate >= FailingShare
            ? new(value + (NoiseDeviation * noise), value)
            : new(null, double.NaN);
    }

    /// <summary>The true loss at a point; null where a trial always fails.</summary>
    /// <param name="x">The parameters in their order: numbers, and for a categorical one its place in the list.</param>
    private protected abstract double? LossAt(ReadOnlySpan<double> x);

    private static double Read(ParameterSpec parameter, string text)
    {
        var space = parameter.FeasibleSpace;
        if (parameter.Type is ParameterType.Categorical)
        {
            var index = space.List.IndexOf(text);
            return index >= 0 ? index : throw new FormatException($"'{text}' is no value of {parameter.Name}.");
        }

        var value = Number(text);
        if (!double.IsFinite(value))
        {
            throw new FormatException($"'{text}' is no value of {parameter.Name}.");
        }

        if (parameter.Type is ParameterType.Discrete)
        {
            return space.List.Select(Number).MinBy(v => Math.Abs(v - value));
        }

        var (min, max) = (Number(space.Min), Number(space.Max));
        var step = space.Step.Length > 0 ? Number(space.Step) : parameter.Type is ParameterType.Int ? 1 : 0;
        var clamped = Math.Clamp(value, min, max);
        return step is 0
            ? clamped
            : min + (step * Math.Min(Math.Round((clamped - min) / step), Math.Floor((max - min) / step)));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
