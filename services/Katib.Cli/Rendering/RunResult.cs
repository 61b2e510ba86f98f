using System.Globalization;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Cli.Rendering;

/// <summary>What is printed of an experiment that has ended.</summary>
internal static class RunResult
{
    /// <summary>Prints the result: for people, or as Katib's JSON.</summary>
    /// <returns>The exit code of <c>katib run</c>.</returns>
    public static int Print(ExperimentSpec spec, ExperimentState state, bool json = false)
    {
        var outcome = state.Outcome!;
        if (json)
        {
            Console.Out.WriteLine(StatusJson.OfExperiment(spec, state).ToJsonString());
        }
        else
        {
            var ended = state.Trials.Count(static t => !t.IsActive);
            var failed = state.Trials.Count(static t => t.IsFailed);
            Console.Out.WriteLine(outcome.Message);
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{ended} trials in {ExperimentView.Text(state.EndedAt!.Value - state.StartedAt)}, {failed} of them failed"));
            Console.Out.WriteLine($"best: {ExperimentView.BestLine(spec, state)}");
        }

        return outcome.Succeeded ? ExitCodes.Success : ExitCodes.Failure;
    }
}
