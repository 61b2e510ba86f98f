using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Katib.Coordinator.Manifests;

/// <summary>The search space as the user wrote it.</summary>
/// <param name="Specs">The parameters; those of a wrong shape are left out.</param>
/// <param name="Names">The names of all of them; empty when one has none.</param>
/// <param name="Json">The same in Katib's JSON.</param>
/// <param name="Space">What they mean; null when something is wrong with them.</param>
internal sealed record Parameters(
    ImmutableArray<ParameterSpec> Specs, ImmutableArray<string> Names, JsonArray Json, SearchSpace? Space);

/// <summary>The parameters: their shape is checked here, their numbers by the search space itself.</summary>
internal static class ParametersReader
{
    /// <summary>More than any algorithm can search; template and parameters are compared name by name.</summary>
    public const int MaxCount = 500;

    /// <summary>From this ratio of the bounds on, an even spread hardly ever meets the small values.</summary>
    private const double WideRange = 100;

    private static readonly string[] Types = ["double", "int", "discrete", "categorical"];
    private static readonly string[] Bounds = ["min", "max", "step"];
    private static readonly string[] Lists = ["list"];
    private static readonly string[] Distributions = ["uniform", "logUniform", "normal", "logNormal"];

    public static Parameters Read(Field field, bool isRequired)
    {
        if (isRequired)
        {
            _ = field.IsRequired("list the parameters to tune");
        }

        var items = field.Items(MaxCount);
        if (field.Node is ManifestList { Items.IsEmpty: true })
        {
            field.Wrong("is empty; list the parameters to tune");
        }

        var specs = ImmutableArray.CreateBuilder<ParameterSpec>(items.Length);
        var json = new JsonArray();
        var names = new Dictionary<string, Field>(StringComparer.Ordinal);
        var isWhole = !items.IsEmpty;
        foreach (var item in items)
        {
            var problems = new List<Problem>();
            var spec = ReadOne(item, names);
            if (spec is null)
            {
                isWhole = false;
                continue;
            }

            _ = SearchSpace.Create([spec with { Name = "it" }], problems);
            foreach (var problem in problems)
            {
                isWhole = false;
                item.At(problem.Field["parameters[0].".Length..]).WrongUnlessSaid(problem.Value, problem.Message);
            }

            specs.Add(spec);
            json.Add(ToJson(spec));
            if (problems.Count is 0)
            {
                HintAtScale(item["feasibleSpace"], spec);
            }
        }

        var all = specs.ToImmutable();
        var allNames = items.Select(static i => i["name"].Value).ToImmutableArray();
        return new(
            all,
            allNames.Contains("") ? [] : allNames,
            json,
            isWhole && names.Count == all.Length ? SearchSpace.Create(all, []) : null);
    }

    /// <summary>Null when its shape is so wrong that its numbers need not be looked at.</summary>
    private static ParameterSpec? ReadOne(Field item, Dictionary<string, Field> names)
    {
        if (!item.IsSet || !item.IsMap("name", "parameterType", "feasibleSpace"))
        {
            _ = item.IsRequired("remove the '-', or write a parameter after it");
            return null;
        }

        var name = item["name"].RequiredText("give every parameter a name");
        if (name.Length > 0 && !names.TryAdd(name, item))
        {
            item["name"].Wrong($"is the name of {names[name].Path} already; give every parameter a name of its own");
        }

        var type = (ParameterType)(1 + OneOf(item["parameterType"], Types, "say what kind of values it has: double, int, discrete or categorical"));
        var space = item["feasibleSpace"];
        if (!space.IsRequired("give its values: min and max, or list")
            || !space.IsMap("max", "min", "list", "step", "distribution")
            || type is ParameterType.Unknown)
        {
            return null;
        }

        var distribution = space["distribution"].IsSet
            ? (Distribution)(1 + OneOf(space["distribution"], Distributions, "remove it or name one"))
            : Distribution.Uniform;
        var list = ReadList(space["list"]);
        var feasible = new FeasibleSpace(
            space["min"].Verbatim() ?? "", space["max"].Verbatim() ?? "", space["step"].Verbatim() ?? "", list ?? [], distribution);
        var isWhole = list is not null
            && distribution is not Distribution.Unknown
            && !Bounds.Any(n => space[n].Node is ManifestList or ManifestMap)
            && FitsType(space, type);
        return isWhole ? new(name, type, feasible) : null;
    }

    /// <summary>Katib's rule: numbers have bounds, lists have entries, and neither has the other's.</summary>
    private static bool FitsType(Field space, ParameterType type)
    {
        var isNumber = type is ParameterType.Double or ParameterType.Int;
        var foreign = isNumber ? Lists : Bounds;
        var found = foreign.Where(n => space[n].IsSet).ToArray();
        foreach (var name in found)
        {
            space[name].Wrong(isNumber
                ? $"does not apply to {Types[(int)type - 1]}, which has min and max; remove it, or use discrete or categorical"
                : $"does not apply to {Types[(int)type - 1]}, which has a list; remove it, or use double or int");
        }

        return found.Length is 0;
    }

    /// <summary>Null when something in it is no single value.</summary>
    private static ImmutableArray<string>? ReadList(Field list)
    {
        var entries = ImmutableArray.CreateBuilder<string>();
        var isWhole = !list.IsSet || list.Node is ManifestList;
        foreach (var item in list.Items())
        {
            if (item.Verbatim() is { } text)
            {
                entries.Add(text);
                continue;
            }

            isWhole = false;
            if (!item.IsSet)
            {
                item.Wrong("is null, which is no value; put it in quotes if the word is meant");
            }
        }

        return isWhole ? entries.ToImmutable() : null;
    }

    /// <summary>The index of the name; -1 when there is none, which is complained about.</summary>
    private static int OneOf(Field field, string[] names, string remedy)
    {
        if (!field.IsRequired(remedy) || field.Text() is not { } text)
        {
            return -1;
        }

        var index = Array.IndexOf(names, text);
        if (index < 0)
        {
            field.MustBeOneOf(names);
        }

        return index;
    }

    private static void HintAtScale(Field space, ParameterSpec spec)
    {
        if (spec.Type is ParameterType.Double or ParameterType.Int
            && !space["distribution"].IsSet
            && Numbers.TryParse(spec.FeasibleSpace.Min, out var min)
            && Numbers.TryParse(spec.FeasibleSpace.Max, out var max)
            && min > 0
            && max / min >= WideRange)
        {
            space["distribution"].Doubt(
                $"is not set, so values are even from {spec.FeasibleSpace.Min} to {spec.FeasibleSpace.Max}, and small ones are rare; "
                + "if their magnitude matters write logUniform, else uniform");
        }
    }

    private static JsonObject ToJson(ParameterSpec spec)
    {
        var space = new JsonObject();
        var (min, max, step, list, distribution) = spec.FeasibleSpace;
        AddIfSet(space, "max", max);
        AddIfSet(space, "min", min);
        if (!list.IsDefaultOrEmpty)
        {
            space["list"] = new JsonArray([.. list.Select(static t => JsonValue.Create(t))]);
        }

        AddIfSet(space, "step", step);
        if (distribution is not Distribution.Unknown)
        {
            space["distribution"] = Distributions[(int)distribution - 1];
        }

        return new()
        {
            ["name"] = spec.Name,
            ["parameterType"] = Types[(int)spec.Type - 1],
            ["feasibleSpace"] = space,
        };
    }

    private static void AddIfSet(JsonObject json, string name, string value)
    {
        if (value.Length > 0)
        {
            json[name] = value;
        }
    }
}
