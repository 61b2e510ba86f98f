using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Katib.Cli.Rendering;
using Katib.Cli.Sources;
using Katib.Coordinator.Manifests;
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
        var trial = new Argument<string?>("trial")
        {
            Description = "One of its trials: with its parameters, its attempts and the last words of its log",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var store = CommonOptions.Store();
        var output = CommonOptions.OneOf("--output", ["-o"], "table or json (Katib's Experiment with its trials)", "table", "table", "json");
        var command = new Command("status", "Say how far experiments are, what runs or waits, what failed and why.")
        {
            name, trial, store, output,
        };
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            if (parsed.GetValue(name) is not { } wanted)
            {
                List(await source.ListAsync(trial: null, cancellationToken));
                return ExitCodes.Success;
            }

            var known = await source.ReadAsync(wanted, cancellationToken);
            var one = parsed.GetValue(trial) is { } asked
                ? known.State.Find(asked) ?? throw new UserException($"'{wanted}' has no trial '{asked}'.")
                : null;
            if (parsed.GetRequiredValue(output) is "json")
            {
                var (spec, state, note) = known;
                await Console.Out.WriteLineAsync((one is null
                    ? StatusJson.OfExperiment(spec, state, note)
                    : StatusJson.OfTrial(spec, state, one)).ToJsonString());
                return ExitCodes.Success;
            }

            var now = TimeProvider.System.GetUtcNow();
            if (one is null)
            {
                AnsiConsole.Write(ExperimentView.Of(known, now));
            }
            else
            {
                await Console.Out.WriteLineAsync(TrialView.Of(known, one, now));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void List(ImmutableArray<ListedExperiment> experiments)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("experiment", "status", "reason", "started");
        foreach (var experiment in experiments)
        {
            _ = table.AddRow(
                Markup.Escape(experiment.FullName),
                Markup.Escape(experiment.Current.Type),
                Markup.Escape(experiment.Note ?? experiment.Current.Reason),
                experiment.StartedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        }

        AnsiConsole.Write(table);
    }
}
