using System.Globalization;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;

namespace Katib.Cli.Rendering;

/// <summary>One trial with all that is known of it, as plain lines.</summary>
internal static class TrialView
{
    /// <summary>Its state and age, its parameters, its attempts, and in full why it stands where it stands.</summary>
    public static string Of(KnownExperiment known, TrialState trial, DateTimeOffset now)
    {
        var (spec, state, note) = known;
        var age = ExperimentView.Text(ExperimentView.Age(spec, state, trial, now));
        string?[] lines =
        [
            $"{trial.Name}  {trial.Status} ({trial.Reason}), {age}",
            $"parameters: {ExperimentView.Parameters(trial)}",
            .. trial.Observation.Metrics.Select(static m => $"{m.Name}: min {m.Min}, max {m.Max}, latest {m.Latest}"),
            .. trial.FailedAttempts.Select(Attempt),
            trial.Reason is TrialReasons.Running or TrialReasons.Created ? null : trial.Message,
            ExperimentView.Next(spec, state, trial, now) is { } next && next != trial.Message ? next : null,
            trial.IsActive ? note : null,
            $"`katib logs {trial.Name}` prints its whole log.",
        ];
        return string.Join('\n', lines.Where(static line => line is not null));
    }

    private static string Attempt(FailedAttempt failed) => string.Create(
        CultureInfo.InvariantCulture,
        $"attempt {failed.Attempt} failed at {failed.EndedAt:u}: {failed.Reason}{(failed.Code is { } code ? $", exit code {code}" : "")}");
}
