using System.Collections.Immutable;

namespace Katib.Algorithms.Tests;

/// <summary>Short ways to say what a user wrote, and what has been tried.</summary>
internal static class Given
{
    public static ParameterSpec Double(
        string name, string min, string max, string step = "", Distribution distribution = Distribution.Uniform) =>
        new(name, ParameterType.Double, new(min, max, step, Distribution: distribution));

    public static ParameterSpec Int(
        string name, string min, string max, string step = "", Distribution distribution = Distribution.Uniform) =>
        new(name, ParameterType.Int, new(min, max, step, Distribution: distribution));

    public static ParameterSpec Discrete(string name, params string[] list) =>
        new(name, ParameterType.Discrete, new(List: [.. list]));

    public static ParameterSpec Categorical(string name, params string[] list) =>
        new(name, ParameterType.Categorical, new(List: [.. list]));

    public static ParameterSpec Under(this ParameterSpec spec, Distribution distribution) =>
        spec with { FeasibleSpace = spec.FeasibleSpace with { Distribution = distribution } };

    public static SearchSpace Space(params IEnumerable<ParameterSpec> specs)
    {
        var problems = new List<Problem>();
        var space = SearchSpace.Create([.. specs], problems);
        InvalidStudyException.ThrowIfAny(problems);
        return space;
    }

    public static Study Study(params IEnumerable<ParameterSpec> specs) =>
        new("digits", Space(specs), new("test", []), [], Issued: 0, MaxTrialCount: null);

    public static Study With(this Study study, string setting, string value) => study with
    {
        Settings = study.Settings with { Items = study.Settings.Items.Add(KeyValuePair.Create(setting, value)) },
    };

    public static Trial Trial(SearchSpace space, Suggestion suggestion, TrialStatus status, double? loss = null) =>
        new($"trial-{Text(suggestion)}", space.Parse(suggestion.Assignments), status, loss);

    /// <summary>The study when suggestions have been taken up, each in another state.</summary>
    public static Study Tried(this Study study, params IEnumerable<Suggestion> suggestions)
    {
        var tried = suggestions.ToArray();
        return study with
        {
            Issued = study.Issued + tried.Length,
            Trials = [.. study.Trials, .. tried.Select((s, i) =>
                Trial(study.Space, s, (TrialStatus)((study.Trials.Length + i) % 8), i % 3 is 0 ? null : i))],
        };
    }

    public static ImmutableArray<Suggestion> Ask(this ISearchAlgorithm algorithm, Study study, int count) =>
        algorithm.Suggest(study, count, CancellationToken.None).Suggestions;

    /// <summary>A suggestion on one line, for comparing.</summary>
    public static string Text(Suggestion suggestion) =>
        string.Join(',', suggestion.Assignments.Select(static a => $"{a.Name}={a.Value}"));

    public static string[] Texts(IEnumerable<Suggestion> suggestions) => [.. suggestions.Select(Text)];

    /// <summary>The values alone, where the names do not matter.</summary>
    public static string[] Values(IEnumerable<Suggestion> suggestions) =>
        [.. suggestions.Select(static s => string.Join(' ', s.Assignments.Select(static a => a.Value)))];
}
