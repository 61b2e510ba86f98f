using System.Globalization;

namespace Katib;

/// <summary>Turns what the user wrote about one parameter into a definition, or says what is wrong with it.</summary>
internal static class ParameterReader
{
    /// <summary>An index must be exact as a double.</summary>
    private const long MaxCount = 1L << 53;

    /// <summary>A range with fewer doubles than this is treated as finite: draws from it would meet again.</summary>
    private const long NarrowRange = 1L << 40;

    /// <summary>The definition; null when a problem was added that leaves none.</summary>
    public static ParameterDefinition? Read(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var space = $"{path}.feasibleSpace";
        if (spec.FeasibleSpace.Distribution is Distribution.Unknown)
        {
            problems.Add(new(
                $"{space}.distribution", "unknown", "must be one of uniform, logUniform, normal, logNormal"));
            return null;
        }

        switch (spec.Type)
        {
            case ParameterType.Double:
                return ReadDouble(spec, space, problems);
            case ParameterType.Int:
                return ReadInt(spec, space, problems);
            case ParameterType.Discrete or ParameterType.Categorical:
                return ReadList(spec, space, problems);
            default:
                problems.Add(new($"{path}.parameterType", "unknown", "must be one of double, int, discrete, categorical"));
                return null;
        }
    }

    private static ParameterDefinition? ReadDouble(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var space = spec.FeasibleSpace;
        if (ReadRange(space, path, problems) is not var (min, max))
        {
            return null;
        }

        if (space.Step.Length > 0)
        {
            return ReadGrid(space, min, max, path, problems) is { } grid
                ? new SteppedParameter(spec.Name, grid, space.Distribution)
                : null;
        }

        var (low, high) = (ToDouble(space.Min), ToDouble(space.Max));
        return OrderedDoubles.Between(low, high) is { } count and < NarrowRange
            ? new SteppedParameter(spec.Name, low, count, space.Distribution)
            : new ContinuousParameter(spec.Name, low, high, space.Distribution);
    }

    private static IntParameter? ReadInt(ParameterSpec spec, string path, ICollection<Problem> problems)
    {
        var space = spec.FeasibleSpace;
        var before = problems.Count;
        var first = ReadWhole(space.Min, $"{path}.min", problems);
        var last = ReadWhole(space.Max, $"{path}.max", problems);
        if (problems.Count > before
            || ReadRange(space, path, problems) is not var (min, max)
            || ReadGrid(space with { Step = space.Step.Length > 0 ? space.Step : "1" }, min, max, path, problems) is not { } grid)
        {
            return null;
        }

        // With a step below 1 neighbours round to the same or the next number, so every whole number up to the last is met.
        var dense = ToDouble(space.Step.Length > 0 ? space.Step : "1") <= 1;
        var count = dense ? (System.Numerics.BigInteger)grid.WholeAt(grid.Count - 1) - first + 1 : grid.Count;
        if (count > MaxCount)
        {
            problems.Add(new($"{path}.max", space.Max, $"leaves more than {MaxCount} values; narrow the range or use a double"));
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
        for (var i = 0; i < list.Length; i++)
        {
            var key = numeric ? Numbers.Format(ToDouble(list[i])) : list[i];
            if (!seen.TryAdd(key, i))
            {
                problems.Add(new($"{path}.list[{i}]", list[i], $"equals entry {seen[key]}, '{list[seen[key]]}'; remove one of them"));
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
                        $"{path}.list[{i}]", list[i], $"must be above 0 under {TextOf(distribution)}; use uniform or normal"));
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

    private static (ExactDecimal Min, ExactDecimal Max)? ReadRange(
        FeasibleSpace space, string path, ICollection<Problem> problems)
    {
        var before = problems.Count;
        var min = ReadNumber(space.Min, $"{path}.min", problems);
        var max = ReadNumber(space.Max, $"{path}.max", problems);
        if (problems.Count > before)
        {
            return null;
        }

        if (ToDouble(space.Min) > ToDouble(space.Max))
        {
            problems.Add(new($"{path}.min", space.Min, $"must not be above max '{space.Max}'; swap the two"));
        }
        else if (IsLog(space.Distribution) && ToDouble(space.Min) <= 0)
        {
            problems.Add(new(
                $"{path}.min",
                space.Min,
                $"must be above 0 under {TextOf(space.Distribution)}; raise it, or use uniform or normal"));
        }

        return problems.Count > before ? null : (min, max);
    }

    private static ArithmeticGrid? ReadGrid(
        FeasibleSpace space, ExactDecimal min, ExactDecimal max, string path, ICollection<Problem> problems)
    {
        var before = problems.Count;
        var step = ReadNumber(space.Step, $"{path}.step", problems);
        if (problems.Count > before)
        {
            return null;
        }

        if (ToDouble(space.Step) <= 0)
        {
            problems.Add(new($"{path}.step", space.Step, "must be above 0"));
            return null;
        }

        var grid = new ArithmeticGrid(min, max, step);
        if (grid.Count > MaxCount)
        {
            problems.Add(new($"{path}.step", space.Step, $"leaves more than {MaxCount} values; use a larger step"));
            return null;
        }

        return grid;
    }

    private static ExactDecimal ReadNumber(string text, string path, ICollection<Problem> problems)
    {
        if (text.Length is 0)
        {
            problems.Add(new(path, "", "is missing; give a number"));
        }
        else if (!ExactDecimal.TryParse(text, out var number))
        {
            problems.Add(new(path, text, $"must be a finite number of at most {ExactDecimal.MaxLength} characters"));
        }
        else
        {
            return number;
        }

        return default;
    }

    private static long ReadWhole(string text, string path, ICollection<Problem> problems)
    {
        if (text.Length is 0)
        {
            problems.Add(new(path, "", "is missing; give a whole number"));
        }
        else if (!long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
            || number is < -MaxCount or > MaxCount)
        {
            problems.Add(new(path, text, $"must be a whole number between -{MaxCount} and {MaxCount}; for others use a double"));
        }
        else
        {
            return number;
        }

        return 0;
    }

    private static bool IsLog(Distribution distribution) => distribution is Distribution.LogUniform or Distribution.LogNormal;

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
