using System.Globalization;
using System.Numerics;

namespace Katib;

/// <summary>Turns what the user wrote about one parameter into a definition, or says what is wrong with it.</summary>
internal static class ParameterReader
{
    /// <summary>An index must be exact as a double.</summary>
    private const long MaxCount = 1L << 53;

    /// <summary>A range with fewer doubles than this is treated as finite: draws from it would meet again.</summary>
    private const long NarrowRange = 1L << 40;

    /// <summary>So many entries that stand twice are told; each with its twin, which may be long.</summary>
    private const int MaxRepeats = 20;

    private delegate ExactDecimal? BoundReader(string text, string path, ICollection<Problem> problems);

    /// <summary>The definition; null when a problem was added, for then there is none.</summary>
    public static ParameterDefinition? Read(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var before = problems.Count;
        var space = $"{path}.feasibleSpace";
        if (spec.FeasibleSpace.Distribution is Distribution.Unknown)
        {
            problems.Add(new(
                $"{space}.distribution", "unknown", "must be one of uniform, logUniform, normal, logNormal"));
            spec = spec with { FeasibleSpace = spec.FeasibleSpace with { Distribution = Distribution.Uniform } };
        }

        ParameterDefinition? parameter = null;
        switch (spec.Type)
        {
            case ParameterType.Double:
                parameter = ReadDouble(spec, space, problems);
                break;
            case ParameterType.Int:
                parameter = ReadInt(spec, space, problems);
                break;
            case ParameterType.Discrete or ParameterType.Categorical:
                parameter = ReadList(spec, space, problems);
                break;
            default:
                problems.Add(new(
                    $"{path}.parameterType", "unknown", "must be one of double, int, discrete, categorical"));
                break;
        }

        return problems.Count > before ? null : parameter;
    }

    private static SteppedParameter? ReadStepped(
        ParameterSpec spec, ArithmeticGrid grid, string path, ICollection<Problem> problems)
    {
        var space = spec.FeasibleSpace;
        if (grid.Count > MaxCount)
        {
            problems.Add(new($"{path}.step", space.Step, $"leaves more than {MaxCount} values; use a larger step"));
            return null;
        }

        var largest = Math.Max(Math.Abs(ToDouble(space.Min)), Math.Abs(ToDouble(space.Max)));
        if (grid.Count > 1 && ToDouble(space.Step) < largest - Math.BitDecrement(largest))
        {
            problems.Add(new(
                $"{path}.step",
                space.Step,
                $"is finer than numbers around {Numbers.Format(largest)} are; use a larger step"));
            return null;
        }

        return new(spec.Name, grid, space.Distribution);
    }

    private static ParameterDefinition? ReadDouble(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var space = spec.FeasibleSpace;
        if (ReadRange(space, ReadNumber, path, problems) is not var (min, max, step))
        {
            return null;
        }

        if (step is { } given)
        {
            return ReadStepped(spec, new(min, max, given), path, problems);
        }

        var (low, high) = (ToDouble(space.Min), ToDouble(space.Max));
        return OrderedDoubles.Between(low, high) is { } count and < NarrowRange
            ? new SteppedParameter(spec.Name, low, count, space.Distribution)
            : new ContinuousParameter(spec.Name, low, high, space.Distribution);
    }

    private static IntParameter? ReadInt(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var space = spec.FeasibleSpace;
        if (ReadRange(space, ReadWhole, path, problems) is not var (min, max, step))
        {
            return null;
        }

        // With a step up to 1 neighbours round to the same or the next number: every one up to the last is met.
        var one = new ExactDecimal(BigInteger.One, 0);
        var grid = new ArithmeticGrid(min, max, step ?? one);
        var dense = (step ?? one).CompareTo(one) <= 0;
        var first = (long)min.Mantissa;
        var count = dense ? (BigInteger)grid.WholeAt(grid.Count - 1) - first + 1 : grid.Count;
        if (count > MaxCount)
        {
            problems.Add(new(
                $"{path}.max", space.Max, $"leaves more than {MaxCount} values; narrow the range or use a double"));
            return null;
        }

        return dense
            ? new(spec.Name, (long)count, space.Distribution, k => first + k)
            : new(spec.Name, (long)count, space.Distribution, k => grid.WholeAt(k));
    }

    private static ParameterDefinition? ReadList(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var list = spec.FeasibleSpace.List.IsDefault ? [] : spec.FeasibleSpace.List;
        if (list.IsEmpty)
        {
            problems.Add(new($"{path}.list", "", "is empty; list the values that the parameter may take"));
            return null;
        }

        var numeric = spec.Type is ParameterType.Discrete && list.All(static t => Numbers.TryParse(t, out _));
        var before = problems.Count;
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < list.Length && problems.Count - before < MaxRepeats; i++)
        {
            var key = numeric ? Numbers.Format(ToDouble(list[i])) : list[i];
            if (!seen.TryAdd(key, i))
            {
                problems.Add(new(
                    $"{path}.list[{i}]",
                    list[i],
                    $"equals entry {seen[key]}, '{list[seen[key]]}'; remove one of them"));
            }
        }

        var distribution = spec.FeasibleSpace.Distribution;
        if (!numeric && distribution is not Distribution.Uniform)
        {
            problems.Add(new(
                $"{path}.distribution",
                TextOf(distribution),
                "does not apply to a list whose entries are not all numbers; remove it"));
        }
        else if (numeric && IsLog(distribution))
        {
            for (var i = 0; i < list.Length; i++)
            {
                if (ToDouble(list[i]) <= 0)
                {
                    problems.Add(new(
                        $"{path}.list[{i}]",
                        list[i],
                        $"must be above 0 under {TextOf(distribution)}; use uniform or normal"));
                }
            }
        }

        if (problems.Count > before)
        {
            return null;
        }

        return numeric
            ? DiscreteParameter.Of(spec.Name, list, distribution)
            : new CategoricalParameter(spec.Name, list);
    }

    private static (ExactDecimal Min, ExactDecimal Max, ExactDecimal? Step)? ReadRange(
        FeasibleSpace space, BoundReader readBound, string path, ICollection<Problem> problems)
    {
        var before = problems.Count;
        var min = readBound(space.Min, $"{path}.min", problems);
        var max = readBound(space.Max, $"{path}.max", problems);
        var step = space.Step.Length > 0 ? ReadNumber(space.Step, $"{path}.step", problems) : null;
        if (min is { } low && max is { } high && low.CompareTo(high) > 0)
        {
            problems.Add(new($"{path}.min", space.Min, $"must not be above max '{space.Max}'; swap the two"));
        }

        if (IsLog(space.Distribution) && min is { Mantissa.Sign: <= 0 })
        {
            problems.Add(new(
                $"{path}.min",
                space.Min,
                $"must be above 0 under {TextOf(space.Distribution)}; raise it, or use uniform or normal"));
        }

        if (step is { Mantissa.Sign: <= 0 })
        {
            problems.Add(new($"{path}.step", space.Step, "must be above 0"));
        }

        return problems.Count > before ? null : (min!.Value, max!.Value, step);
    }

    private static ExactDecimal? ReadNumber(string text, string path, ICollection<Problem> problems)
    {
        if (ExactDecimal.TryParse(text, out var number))
        {
            return number;
        }

        problems.Add(text.Length is 0
            ? new(path, "", "is missing; give a number")
            : new(path, text, $"must be a finite number of at most {ExactDecimal.MaxLength} characters"));
        return null;
    }

    private static ExactDecimal? ReadWhole(string text, string path, ICollection<Problem> problems)
    {
        if (long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
            && number is >= -MaxCount and <= MaxCount)
        {
            return new(number, 0);
        }

        problems.Add(text.Length is 0
            ? new(path, "", "is missing; give a whole number")
            : new(path, text, $"must be a whole number between -{MaxCount} and {MaxCount}; for others use a double"));
        return null;
    }

    private static bool IsLog(Distribution distribution) =>
        distribution is Distribution.LogUniform or Distribution.LogNormal;

    /// <summary>The distribution in Katib's spelling.</summary>
    private static string TextOf(Distribution distribution) => distribution switch
    {
        Distribution.Uniform => "uniform",
        Distribution.LogUniform => "logUniform",
        Distribution.Normal => "normal",
        _ => "logNormal",
    };

    private static double ToDouble(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
