using System.CommandLine;
using Spectre.Console;

namespace Katib.Cli.Commands;

/// <summary><c>katib algorithms</c>: names, settings and defaults, as the algorithms themselves declare them.</summary>
internal static class AlgorithmsCommand
{
    public static Command Create()
    {
        var command = new Command("algorithms", "List the algorithms with their settings and defaults.");
        command.RefuseServer();
        command.SetAction(static parsed =>
        {
            foreach (var (name, (algorithm, summary)) in Algorithms.All)
            {
                AnsiConsole.MarkupLineInterpolated($"[bold]{name}[/]  {summary}");
                var table = new Table().Border(TableBorder.Simple).AddColumns("setting", "values", "default", "effect");
                foreach (var setting in algorithm.Settings)
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
