using System.CommandLine;
using Katib.Coordinator;
using Katib.Coordinator.Storage;

namespace Katib.Cli.Commands;

/// <summary><c>katib delete</c>: forgets an experiment, its results and its trials' folders.</summary>
internal static class DeleteCommand
{
    public static Command Create()
    {
        var name = CommonOptions.Name();
        var store = CommonOptions.Store();
        var command = new Command("delete", "Forget an experiment with its trials, results and logs.") { name, store };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var location = new StoreLocation(parsed.GetRequiredValue(store).FullName);
            using var opened = ExperimentStore.OpenExisting(location.File);
            var stored = CommonOptions.Find(opened, parsed.GetRequiredValue(name));
            await new ExperimentSession(location, TimeProvider.System).DeleteAsync(opened, stored, cancellationToken);
            Console.WriteLine($"Deleted {stored.Name} with {stored.State.Trials.Length} trials.");
            return ExitCodes.Success;
        });
        return command;
    }
}
