using System.CommandLine;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;

namespace Katib.Cli.Commands;

/// <summary><c>katib set</c>, <c>pause</c>, <c>resume</c> and <c>skip</c>: what is wanted of an experiment that is under way.</summary>
/// <remarks>Whoever works on it sees it within two seconds.</remarks>
internal static class ControlCommands
{
    public static Command CreateSet()
    {
        var parallel = CommonOptions.Count("--parallel", "How many trials run at once");
        var maxTrials = CommonOptions.Count("--max-trials", "How many trials in all; a lower number ends nothing that runs");
        var maxFailed = CommonOptions.Count("--max-failed", "How many trials may fail");
        var name = CommonOptions.Name();
        var command = new Command("set", "Change the budgets of an experiment that is under way.") { name, parallel, maxTrials, maxFailed };
        command.Validators.Add(result =>
        {
            if (result.GetResult(parallel) is null && result.GetResult(maxTrials) is null && result.GetResult(maxFailed) is null)
            {
                result.AddError("Say what to change: --parallel N, --max-trials N or --max-failed N.");
            }
        });
        return command.Wanting(name, (source, found, parsed, cancellationToken) => source.SetAsync(
            found, new(parsed.GetValue(parallel), parsed.GetValue(maxTrials), parsed.GetValue(maxFailed)), cancellationToken));
    }

    public static Command CreatePause() => CreatePause("pause", "Begin no further trial of an experiment; what runs, runs on.", isPaused: true);

    public static Command CreateResume() => CreatePause("resume", "Let a paused experiment go on.", isPaused: false);

    public static Command CreateSkip()
    {
        var name = CommonOptions.Name();
        var trial = new Argument<string>("trial") { Description = "The trial's name" };
        return new Command("skip", "Do without a trial of an experiment: end it now, and let nothing of it count.") { name, trial }
            .Wanting(name, (source, found, parsed, cancellationToken) =>
                source.EndTrialAsync(found, parsed.GetRequiredValue(trial), TrialWish.Skip, cancellationToken));
    }

    private static Command CreatePause(string verb, string description, bool isPaused)
    {
        var name = CommonOptions.Name();
        return new Command(verb, description) { name }
            .Wanting(name, (source, found, _, cancellationToken) => source.PauseAsync(found, isPaused, cancellationToken));
    }

    private static Command Wanting(
        this Command command,
        Argument<string> name,
        Func<IExperimentSource, ListedExperiment, ParseResult, CancellationToken, Task> want)
    {
        var store = CommonOptions.Store();
        command.Add(store);
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            await want(source, await source.FindAsync(parsed.GetRequiredValue(name), cancellationToken), parsed, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
