using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Cli;

/// <summary>The budgets of the command line, in place of the file's.</summary>
/// <param name="Parallel">How many trials run at once.</param>
/// <param name="MaxTrials">How many trials there are in all.</param>
/// <param name="Devices">How many devices there are, each for one trial at a time.</param>
/// <param name="Annotations">Annotations in place of the file's: how long things may take, what is tried again.</param>
/// <param name="WarmStart">A table of results from elsewhere; null for none.</param>
internal sealed record Budgets(
    int? Parallel, int? MaxTrials, int? Devices, ImmutableArray<KeyValuePair<string, string>> Annotations, FileInfo? WarmStart = null)
{
    /// <summary>Whether the file's stand.</summary>
    public bool IsEmpty => Parallel is null && MaxTrials is null && Devices is null && Annotations.IsEmpty && WarmStart is null;

    /// <summary>The experiment with these budgets; no more trials at once than there are devices.</summary>
    public ExperimentSpec ApplyTo(ExperimentSpec spec)
    {
        if (IsEmpty)
        {
            return spec;
        }

        var manifest = spec.Manifest.DeepClone().AsObject();
        var annotations = WarmStart is null
            ? Annotations
            : Annotations.Add(new(PriorResultsReader.Name, PriorResultsReader.Write(ResultsTable.Read(WarmStart, spec, Console.Error))));
        foreach (var (name, value) in annotations)
        {
            var metadata = manifest["metadata"]!.AsObject();
            metadata["annotations"] ??= new JsonObject();
            metadata["annotations"]![name] = value;
        }

        var parallel = Math.Min(Parallel ?? spec.ParallelTrialCount, Devices ?? int.MaxValue);
        var parsed = new BudgetChange(parallel, MaxTrials, MaxFailed: null).ApplyTo(spec with { Manifest = manifest });
        return parsed.Spec
            ?? throw new UserException(string.Join('\n', parsed.Problems.Select(static p => $"{p.Path} '{p.Value}': {p.Message}")));
    }
}
