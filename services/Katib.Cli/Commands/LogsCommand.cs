using System.CommandLine;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;

namespace Katib.Cli.Commands;

/// <summary><c>katib logs</c>: what a trial has printed.</summary>
internal static class LogsCommand
{
    public static Command Create()
    {
        var trial = new Argument<string>("trial") { Description = "The trial's name, for instance digits-0007" };
        var store = CommonOptions.Store();
        var command = new Command("logs", "Print what a trial has written to stdout and stderr.") { trial, store };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var location = new StoreLocation(parsed.GetRequiredValue(store).FullName);
            var name = parsed.GetRequiredValue(trial);
            using var opened = ExperimentStore.OpenExisting(location.File);
            if (opened.FindByTrial(name) is not [var experiment, ..] found)
            {
                throw new UserException($"There is no trial '{name}'; `katib status EXPERIMENT` lists trials.");
            }

            if (found.Length > 1)
            {
                throw new UserException(
                    $"'{name}' exists in several namespaces: {string.Join(", ", found.Select(static e => e.Namespace))}.");
            }

            var attempt = opened.Read(experiment.Namespace, experiment.Name)!.State.Find(name)!.Attempt;
            var folder = location.FolderOf(experiment.Namespace, experiment.Name);

            // A trial that waits to begin again has no log yet; the one of the attempt before says why.
            var log = Enumerable.Range(1, attempt)
                .Select(n => TrialLog.FileOf(folder, name, n))
                .LastOrDefault(File.Exists);
            if (log is null)
            {
                throw new UserException($"The trial '{name}' has not printed anything yet.");
            }

            await using var input = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await using var output = Console.OpenStandardOutput();
            await input.CopyToAsync(output, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
