namespace Katib.Coordinator.Suggesting;

/// <summary>Whether a service may propose a value for a parameter.</summary>
internal static class FeasibleValue
{
    /// <summary>Between the bounds, or in the list, by its number where it is one.</summary>
    /// <remarks>Steps are not held to: Katib's own services answer 0.30000000000000004, and 3.0 for an int.</remarks>
    public static bool Is(ParameterSpec parameter, string value)
    {
        var space = parameter.FeasibleSpace;
        var isNumber = Numbers.TryParse(value, out var number);
        return parameter.Type switch
        {
            ParameterType.Double or ParameterType.Int => isNumber
                && !(Numbers.TryParse(space.Min, out var min) && number < min)
                && !(Numbers.TryParse(space.Max, out var max) && number > max),
            _ => space.List.Any(entry =>
                entry == value || (isNumber && Numbers.TryParse(entry, out var listed) && listed.Equals(number))),
        };
    }
}
