using System.CommandLine;
using Katib.Coordinator.Experiments;

namespace Katib.Cli.Commands;

/// <summary><c>katib validate</c>: everything that is wrong with a file, before anything runs.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var file = CommonOptions.ManifestFile();
        var runner = CommonOptions.Runner("What the trials will be run as (default: process)");
        var command = new Command("validate", "List everything that is wrong with an Experiment, with line, path, value and remedy.") { file, runner };
        command.RefuseServer();
        command.SetAction(async (parsed, _) =>
        {
            var manifest = await ManifestFile.ReadAsync(
                parsed.GetRequiredValue(file), _ => Task.FromResult(parsed.GetValue(runner) ?? RunnerKind.Process));
            manifest.PrintFindings(Console.Out);
            if (manifest.Spec is null)
            {
                return ExitCodes.Usage;
            }

            Console.WriteLine($"{manifest.Name}: the experiment '{manifest.Spec.Name}' can be run.");
            return ExitCodes.Success;
        });
        return command;
    }
}
