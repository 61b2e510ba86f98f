using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;

namespace Katib.Cli;

/// <summary>An Experiment file with everything that was found in it: by the format's rules, the algorithm's and the runner's.</summary>
/// <param name="Name">The file's name as the user gave it.</param>
/// <param name="Folder">The directory that it lies in: where its trials start.</param>
/// <param name="Spec">The experiment; null when there are problems.</param>
/// <param name="Runner">What its trials are run as.</param>
/// <param name="Problems">Everything that is wrong, by line.</param>
/// <param name="Warnings">What is legal but hardly meant, by line.</param>
/// <param name="Notes">What is different under this runner.</param>
internal sealed record ManifestFile(
    string Name,
    string Folder,
    ExperimentSpec? Spec,
    RunnerKind Runner,
    ImmutableArray<ManifestProblem> Problems,
    ImmutableArray<ManifestProblem> Warnings,
    ImmutableArray<string> Notes)
{
    private const long MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads and checks a file. An algorithm that is served elsewhere is checked by its service.</summary>
    public static async Task<ManifestFile> ReadAsync(
        FileInfo file, Func<ExperimentSpec, Task<RunnerKind>> findRunnerAsync, IReadOnlyDictionary<string, Uri>? endpoints = null)
    {
        var parsed = ExperimentYaml.Parse(Text(file));
        var folder = file.DirectoryName!;
        if (parsed.Spec is not { } spec)
        {
            return new(file.ToString(), folder, null, RunnerKind.Process, parsed.Problems, parsed.Warnings, []);
        }

        var runner = await findRunnerAsync(spec);
        var check = runner.Check(spec);
        var problems = check.Problems
            .Concat(IsServedElsewhere(spec.Algorithm) ? [] : ProblemsOfAlgorithm(spec))
            .Concat(spec.EarlyStopping is { } stopping && !IsServedElsewhere(stopping) ? ProblemsOfRule(stopping, spec) : [])
            .Select(parsed.Locate)
            .OrderBy(static p => p.Line)
            .ToImmutableArray();
        return new(file.ToString(), folder, problems.IsEmpty ? spec : null, runner, problems, parsed.Warnings, check.Notes);

        bool IsServedElsewhere(AlgorithmSpec served) => endpoints?.ContainsKey(served.Name) is true;
    }

    /// <summary>What stands in the file.</summary>
    public static string Text(FileInfo file)
    {
        if (!file.Exists)
        {
            throw new UserException($"There is no file '{file}'.");
        }

        return file.Length <= MaxBytes
            ? File.ReadAllText(file.FullName)
            : throw new UserException($"'{file}' has {file.Length} bytes; an Experiment has at most {MaxBytes}.");
    }

    /// <summary>Prints problems and warnings, one a line.</summary>
    public void PrintFindings(TextWriter writer)
    {
        foreach (var warning in Warnings)
        {
            writer.WriteLine($"warning: {warning.In(Name)}");
        }

        foreach (var problem in Problems)
        {
            writer.WriteLine(problem.In(Name));
        }
    }

    private static ImmutableArray<Problem> ProblemsOfAlgorithm(ExperimentSpec spec)
    {
        var name = spec.Algorithm.Name;
        return Algorithms.All.TryGetValue(name, out var known)
            ? ProblemsOf(() => known.Algorithm.Suggest(
                new(
                    spec.Name, SearchSpace.Create(spec.Parameters, []), new(name, spec.Algorithm.Settings), [], 0, spec.MaxTrialCount),
                0,
                CancellationToken.None))
            : [Unknown("algorithm", name, "algorithm", Algorithms.All.Keys)];
    }

    private static ImmutableArray<Problem> ProblemsOfRule(AlgorithmSpec stopping, ExperimentSpec spec) =>
        Algorithms.StoppingRules.TryGetValue(stopping.Name, out var known)
            ? ProblemsOf(() => known.Rule.Plan(new(stopping.Name, stopping.Settings) { Field = "earlyStopping" }, spec.Objective.Maximize))
            : [Unknown("earlyStopping", stopping.Name, "rule for early stopping", Algorithms.StoppingRules.Keys)];

    private static Problem Unknown(string field, string name, string kind, IEnumerable<string> known)
    {
        var remedy = NearestName.Of(name, known) is { } near
            ? $"did you mean '{near}'?"
            : $"katib has {string.Join(", ", known)}; another one is reached with --endpoint {name}=URL";
        return new($"{field}.algorithmName", name, $"is no {kind} of katib; {remedy}");
    }

    private static ImmutableArray<Problem> ProblemsOf(Func<object> check)
    {
        try
        {
            _ = check();
            return [];
        }
        catch (InvalidStudyException invalid)
        {
            return invalid.Problems;
        }
    }
}
