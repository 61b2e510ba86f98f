using System.CommandLine;
using Katib.Cli.Rendering;
using Katib.Coordinator;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Storage;
using Spectre.Console;

namespace Katib.Cli.Commands;

/// <summary><c>katib status</c>: all experiments, or one with its trials and their reasons.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("name")
        {
            Description = "The experiment's name; all experiments when left out",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var store = CommonOptions.Store();
        var output = CommonOptions.OneOf("--output", ["-o"], "table or json (Katib's Experiment with its trials)", "table", "table", "json");
        var command = new Command("status", "Say how far experiments are, what runs, what failed and why.") { name, store, output };
        command.SetAction(parsed =>
        {
            var location = new StoreLocation(parsed.GetRequiredValue(store).FullName);
            using var opened = ExperimentStore.OpenExisting(location.File);
            if (parsed.GetValue(name) is not { } wanted)
            {
                List(opened, location);
                return ExitCodes.Success;
            }

            var stored = CommonOptions.Find(opened, wanted);
            var spec = ExperimentYaml.Parse(stored.Manifest).Spec!;
            if (parsed.GetRequiredValue(output) is "json")
            {
                Console.Out.WriteLine(StatusJson.OfExperiment(spec, stored.State).ToJsonString());
                return ExitCodes.Success;
            }

            AnsiConsole.Write(ExperimentView.Of(spec, stored.State, TimeProvider.System.GetUtcNow()));
            if (Abandoned(stored, location))
            {
                AnsiConsole.WriteLine("No process works on it: `katib run` with the same file goes on.");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void List(ExperimentStore store, StoreLocation location)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("experiment", "status", "reason", "started");
        foreach (var stored in store.List())
        {
            var current = stored.State.Conditions[^1];
            _ = table.AddRow(
                Markup.Escape(stored.Namespace is "default" ? stored.Name : $"{stored.Namespace}/{stored.Name}"),
                current.Type,
                Abandoned(stored, location) ? "no process works on it" : current.Reason,
                stored.State.StartedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));
        }

        AnsiConsole.Write(table);
    }

    private static bool Abandoned(StoredExperiment stored, StoreLocation location)
    {
        if (stored.State.Outcome is not null)
        {
            return false;
        }

        using var taken = ExperimentLock.TryTake(location.FolderOf(stored.Namespace, stored.Name));
        return taken is not null;
    }
}
