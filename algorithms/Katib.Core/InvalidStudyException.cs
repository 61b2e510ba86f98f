using System.Collections.Immutable;

namespace Katib;

/// <summary>
/// The study cannot be searched as the user wrote it: the one exception of the core for a user's mistake.
/// </summary>
public sealed class InvalidStudyException(ImmutableArray<Problem> problems) : Exception(Describe(problems))
{
    /// <summary>Everything that is wrong; at least one.</summary>
    public ImmutableArray<Problem> Problems { get; } = problems;

    /// <summary>Throws when there are problems.</summary>
    public static void ThrowIfAny(IReadOnlyCollection<Problem> problems)
    {
        if (problems.Count > 0)
        {
            throw new InvalidStudyException([.. problems]);
        }
    }

    /// <summary>
    /// One problem that Katib has a sentence for is told in that sentence; all else by field, value and remedy.
    /// </summary>
    private static string Describe(ImmutableArray<Problem> problems) =>
        problems is [{ KatibMessage: { } katib }] ? katib : string.Join("; ", problems.Select(Sentence));

    private static string Sentence(Problem problem) =>
        problem.KatibMessage ?? (problem.Value.Length is 0
            ? $"{problem.Field} {problem.Message}"
            : $"{problem.Field} '{problem.Value}' {problem.Message}");
}
