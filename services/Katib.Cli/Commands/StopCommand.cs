using System.CommandLine;
using Katib.Cli.Rendering;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;

namespace Katib.Cli.Commands;

/// <summary><c>katib stop</c>: ends an experiment, or a trial, before its time and keeps what it has found.</summary>
internal static class StopCommand
{
    public static Command Create()
    {
        var name = CommonOptions.Name();
        var trial = new Argument<string?>("trial")
        {
            Description = "End this trial alone; what it has reported counts",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var store = CommonOptions.Store();
        var command = new Command(
            "stop", "End an experiment for good, with its running trials, or one of its trials; results and logs stay.")
        {
            name, trial, store,
        };
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            var found = await source.FindAsync(parsed.GetRequiredValue(name), cancellationToken);
            if (parsed.GetValue(trial) is { } single)
            {
                await source.EndTrialAsync(found, single, TrialWish.Stop, cancellationToken);
                return ExitCodes.Success;
            }

            await source.StopAsync(found, cancellationToken);
            var (spec, state, _) = await source.ReadAsync(found, cancellationToken);
            RunResult.Print(spec, state);
            return ExitCodes.Success;
        });
        return command;
    }
}
