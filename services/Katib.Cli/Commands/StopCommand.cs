using System.CommandLine;
using Katib.Cli.Rendering;
using Katib.Cli.Sources;

namespace Katib.Cli.Commands;

/// <summary><c>katib stop</c>: ends an experiment before its time and keeps what it has found.</summary>
internal static class StopCommand
{
    public static Command Create()
    {
        var name = CommonOptions.Name();
        var store = CommonOptions.Store();
        var command = new Command("stop", "End an experiment for good, with its running trials; results and logs stay.") { name, store };
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            var found = await source.FindAsync(parsed.GetRequiredValue(name), cancellationToken);
            await source.StopAsync(found, cancellationToken);
            var (spec, state, _) = await source.ReadAsync(found, cancellationToken);
            RunResult.Print(spec, state);
            return ExitCodes.Success;
        });
        return command;
    }
}
