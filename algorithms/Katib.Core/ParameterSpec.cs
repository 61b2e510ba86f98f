using System.Collections.Immutable;

namespace Katib;

/// <summary>The kinds of parameter of Katib's search space.</summary>
public enum ParameterType
{
    /// <summary>Not one of Katib's kinds.</summary>
    Unknown,

    /// <summary>A real number between two bounds.</summary>
    Double,

    /// <summary>A whole number between two bounds, both included.</summary>
    Int,

    /// <summary>One of a list; ordered when all entries are numbers.</summary>
    Discrete,

    /// <summary>One of a list, without order.</summary>
    Categorical,
}

/// <summary>How values are spread between the bounds before anything is known.</summary>
public enum Distribution
{
    /// <summary>Not one of Katib's distributions.</summary>
    Unknown,

    /// <summary>Even on the linear scale; what an unset distribution means.</summary>
    Uniform,

    /// <summary>Even on the logarithmic scale; needs bounds above zero.</summary>
    LogUniform,

    /// <summary>Normal with mean (min+max)/2 and standard deviation (max-min)/6, truncated to the bounds.</summary>
    Normal,

    /// <summary>The same on the logarithm of the value; needs bounds above zero.</summary>
    LogNormal,
}

/// <summary>The values of one parameter, in the user's own spelling; what is not given is empty.</summary>
public sealed record FeasibleSpace(
    string Min = "",
    string Max = "",
    string Step = "",
    ImmutableArray<string> List = default,
    Distribution Distribution = Distribution.Uniform);

/// <summary>One parameter as the user wrote it; the search space is what it means.</summary>
public sealed record ParameterSpec(string Name, ParameterType Type, FeasibleSpace FeasibleSpace);
