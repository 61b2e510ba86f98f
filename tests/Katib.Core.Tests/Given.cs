namespace Katib.Core.Tests;

/// <summary>Short ways to say what a user wrote.</summary>
internal static class Given
{
    public static ParameterSpec Double(
        string min, string max, string step = "", Distribution distribution = Distribution.Uniform) =>
        new("x", ParameterType.Double, new(min, max, step, Distribution: distribution));

    public static ParameterSpec Int(
        string min, string max, string step = "", Distribution distribution = Distribution.Uniform) =>
        new("x", ParameterType.Int, new(min, max, step, Distribution: distribution));

    public static ParameterSpec Discrete(params string[] list) => new("x", ParameterType.Discrete, new(List: [.. list]));

    public static ParameterSpec Categorical(params string[] list) =>
        new("x", ParameterType.Categorical, new(List: [.. list]));

    public static SearchSpace Space(params ParameterSpec[] specs)
    {
        var problems = new List<Problem>();
        var space = SearchSpace.Create([.. specs], problems);
        return problems.Count is 0 ? space : throw new InvalidStudyException([.. problems]);
    }

    public static ParameterDefinition Parameter(ParameterSpec spec) => Space(spec).Parameters[0];

    public static IReadOnlyList<Problem> Problems(params ParameterSpec[] specs)
    {
        var problems = new List<Problem>();
        _ = SearchSpace.Create([.. specs], problems);
        return problems;
    }

    /// <summary>Every value of a finite parameter, as text.</summary>
    public static string[] ValuesOf(ParameterSpec spec)
    {
        var parameter = Parameter(spec);
        return [.. Enumerable.Range(0, (int)parameter.Count!.Value).Select(k => parameter.Format(k))];
    }
}
