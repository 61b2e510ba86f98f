using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;

namespace Katib.Coordinator.Host;

/// <summary>A manifest as it was handed in, with everything that was found in it.</summary>
/// <param name="Parsed">What it says.</param>
/// <param name="Problems">Everything that is wrong with it, by the format's rules and the runner's.</param>
/// <param name="Notes">What is different on this machine.</param>
/// <param name="Runner">What its trials are run as.</param>
internal sealed record Submission(
    ParsedExperiment Parsed, ImmutableArray<ManifestProblem> Problems, ImmutableArray<string> Notes, RunnerKind Runner)
{
    /// <summary>The experiment; null when there are problems.</summary>
    public ExperimentSpec? Spec => Problems.IsEmpty ? Parsed.Spec : null;

    /// <summary>Reads and checks it; <paramref name="findRunnerAsync"/> says what its trials would be run as.</summary>
    public static async Task<Submission> ReadAsync(string text, Func<ExperimentSpec, Task<RunnerKind>> findRunnerAsync)
    {
        var parsed = ExperimentYaml.Parse(text);
        if (parsed.Spec is not { } spec)
        {
            return new(parsed, parsed.Problems, [], default);
        }

        var runner = await findRunnerAsync(spec);
        var check = runner.Check(spec);
        return new(parsed, [.. check.Problems.Select(parsed.Locate)], check.Notes, runner);
    }
}
