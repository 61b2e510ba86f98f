using System.CommandLine;
using Spectre.Console;

namespace Katib.Cli.Commands;

/// <summary><c>katib algorithms</c>: names, settings and defaults, as the algorithms themselves declare them.</summary>
internal static class AlgorithmsCommand
{
    public static Command Create()
    {
        var command = new Command("algorithms", "List the algorithms, and the rules for early stopping, with their settings and defaults.");
        command.RefuseServer();
        command.SetAction(static parsed =>
        {
            var algorithms = Algorithms.All.Select(static a => (a.Key, a.Value.Summary, a.Value.Algorithm.Settings));
            var rules = Algorithms.StoppingRules.Select(static r => (r.Key, $"for earlyStopping: {r.Value.Summary}", r.Value.Rule.Settings));
            foreach (var (name, summary, settings) in algorithms.Concat(rules))
            {
                AnsiConsole.MarkupLineInterpolated($"[bold]{name}[/]  {summary}");
                var table = new Table().Border(TableBorder.Simple).AddColumns("setting", "values", "default", "effect");
                foreach (var setting in settings)
                {
                    _ = table.AddRow(
                        Markup.Escape(setting.Name),
                        Markup.Escape(setting.Values),
                        Markup.Escape(setting.Default),
                        Markup.Escape(setting.Effect));
                }

                AnsiConsole.Write(table);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
