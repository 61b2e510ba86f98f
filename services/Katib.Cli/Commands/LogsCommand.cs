using System.CommandLine;

namespace Katib.Cli.Commands;

/// <summary><c>katib logs</c>: what a trial has printed.</summary>
internal static class LogsCommand
{
    public static Command Create()
    {
        var trial = new Argument<string>("trial") { Description = "The trial's name, for instance digits-0007" };
        var store = CommonOptions.Store();
        var command = new Command("logs", "Print what a trial has written to stdout and stderr.") { trial, store };
        command.ExcludeWithServer(store);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var name = parsed.GetRequiredValue(trial);
            await using var source = await CommonOptions.OpenAsync(parsed, store, cancellationToken);
            if (await source.ListAsync(name, cancellationToken) is not [var experiment, ..] found)
            {
                throw new UserException($"There is no trial '{name}'; `katib status EXPERIMENT` lists trials.");
            }

            if (found.Length > 1)
            {
                throw new UserException(
                    $"'{name}' exists in several namespaces: {string.Join(", ", found.Select(static e => e.Namespace))}.");
            }

            await using var input = await source.OpenLogAsync(experiment, name, cancellationToken);
            await using var output = Console.OpenStandardOutput();
            await input.CopyToAsync(output, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
