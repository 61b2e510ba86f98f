using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>What a manifest says: an experiment, or everything that is wrong with it.</summary>
/// <param name="Spec">The experiment; null exactly when there are problems.</param>
/// <param name="Problems">Everything that is wrong, by line.</param>
/// <param name="Warnings">What is legal but hardly meant, and what was dropped, by line.</param>
public sealed record ParsedExperiment(
    ExperimentSpec? Spec, ImmutableArray<ManifestProblem> Problems, ImmutableArray<ManifestProblem> Warnings)
{
    /// <summary>Whether there is an experiment to run.</summary>
    [MemberNotNullWhen(true, nameof(Spec))]
    public bool IsValid => Spec is not null;

    /// <summary>The top of the manifest; null when the text is no YAML at all.</summary>
    internal Field? Root { get; init; }

    /// <summary>A problem that was found elsewhere, by its path below <c>spec</c>, with the line that it concerns.</summary>
    public ManifestProblem Locate(Problem problem) => Locate($"spec.{problem.Field}", problem.Value, problem.Message);

    /// <summary>A problem that was found elsewhere, by its whole path, with the line that it concerns.</summary>
    internal ManifestProblem Locate(string path, string value, string message) =>
        new(Root?.At(path).Line ?? 1, path, value, message);
}
