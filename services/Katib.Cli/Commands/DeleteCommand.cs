using System.CommandLine;
using Katib.Coordinator;
using Katib.Coordinator.Runners.Local;
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
            var folder = location.FolderOf(stored.Namespace, stored.Name);
            using (_ = ExperimentLock.TryTake(folder)
                ?? throw new UserException($"'{stored.Name}' is being run by another process; stop that one first."))
            {
                await using var runner = new ProcessRunner(
                    new(folder, stored.Folder, Gpus: []),
                    static job => throw new InvalidOperationException($"Nothing is started here, not even {job.Trial}."),
                    TimeProvider.System);
                await runner.SweepAsync(cancellationToken);
                Forget(opened, location, stored);
            }

            Directory.Delete(folder, recursive: true);
            Console.WriteLine($"Deleted {stored.Name} with {stored.State.Trials.Length} trials.");
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Deletes an experiment whose lock is held; the lock's own file stays.</summary>
    public static void Forget(ExperimentStore store, StoreLocation location, StoredExperiment stored)
    {
        store.Delete(stored.Id);
        foreach (var trial in Directory.EnumerateDirectories(location.FolderOf(stored.Namespace, stored.Name)))
        {
            Directory.Delete(trial, recursive: true);
        }
    }
}
