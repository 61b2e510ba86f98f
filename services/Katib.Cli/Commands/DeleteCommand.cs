using System.CommandLine;
using Katib.Cli.Sources;

namespace Katib.Cli.Commands;

/// <summary><c>katib delete</c>: forgets an experiment, its results and its trials' folders.</summary>
internal static class DeleteCommand
{
    public static Command Create()
    {
        var name = CommonOptions.Name();
        var store = CommonOptions.Store();
        var command = new Command("delete", "Forget an experiment with its trials, results and logs.") { name, store };
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            var found = await source.FindAsync(parsed.GetRequiredValue(name), cancellationToken);
            var trials = (await source.ReadAsync(found, cancellationToken)).State.Trials.Length;
            await source.DeleteAsync(found, cancellationToken);
            Console.WriteLine($"Deleted {found.Name} with {trials} trials.");
            return ExitCodes.Success;
        });
        return command;
    }
}
