using System.Collections.Immutable;

namespace Katib;

/// <summary>All that an algorithm may know: the problem and what has been tried.</summary>
/// <param name="Name">The experiment's name; seeds the search where the user gives no seed.</param>
/// <param name="Space">Where to search.</param>
/// <param name="Settings">How, in the user's words.</param>
/// <param name="Trials">What has been tried, in no order; some trials may be missing, some may be a namesake's.</param>
/// <param name="Issued">How many points have been suggested so far: the position in a fixed sequence.</param>
/// <param name="MaxTrialCount">The budget, given only for validation; null otherwise or when unlimited.</param>
public sealed record Study(
    string Name,
    SearchSpace Space,
    AlgorithmSettings Settings,
    ImmutableArray<Trial> Trials,
    int Issued,
    int? MaxTrialCount)
{
    /// <summary>
    /// Called where a model is fitted; what it returns is disposed at the end. So callers measure what an algorithm,
    /// which has no clock, cannot. It tells the algorithm nothing.
    /// </summary>
    public Func<IDisposable>? Fitting { get; init; }
}

/// <summary>One proposed point, ready for the wire.</summary>
public sealed record Suggestion(ImmutableArray<Assignment> Assignments);

/// <summary>What an algorithm answers.</summary>
/// <param name="Suggestions">As many as were asked for.</param>
public sealed record Reply(ImmutableArray<Suggestion> Suggestions)
{
    /// <summary>
    /// Settings that the caller is to send back next time over the user's own: Katib's controller keeps them, and forgets
    /// none. Small, and never needed: a caller may lose them.
    /// </summary>
    public ImmutableArray<KeyValuePair<string, string>> Echo { get; init; } = [];

    /// <summary>What an operator should know, though nobody asked: a sentence each, for the service's log.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>Where the algorithm took a lesser way than the one it stands for: a word for each, for the service to count.</summary>
    public ImmutableArray<string> Fallbacks { get; init; } = [];
}
