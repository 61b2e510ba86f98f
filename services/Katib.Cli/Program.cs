using System.CommandLine;
using Katib.Cli;
using Katib.Cli.Commands;
using Katib.Cli.Sources;
using Katib.Coordinator;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Telemetry;

var root = new RootCommand("""
    Tunes the parameters of your program: give it a Katib Experiment, get the best trial.

      katib run digits.yaml          run the experiment on this machine, or go on where it was stopped
      katib validate digits.yaml     list everything that is wrong with the file, at once
      katib status digits            how far it is, what runs, what failed and why
      katib best digits -o env       the best parameters, ready for a shell

    Results are kept in ./.katib/katib.db, or by the coordinator that --server names.
    """)
{
    RunCommand.Create(),
    ValidateCommand.Create(),
    MetricsCommand.Create(),
    AlgorithmsCommand.Create(),
    StatusCommand.Create(),
    BestCommand.Create(),
    LogsCommand.Create(),
    ExportCommand.Create(),
    ControlCommands.CreateSet(),
    ControlCommands.CreatePause(),
    ControlCommands.CreateResume(),
    ControlCommands.CreateSkip(),
    StopCommand.Create(),
    DeleteCommand.Create(),
    CommonOptions.Server,
    CommonOptions.TokenFile,
};

try
{
    var parsed = root.Parse(args);
    var exitCode = await parsed.InvokeAsync(new()
    {
        EnableDefaultExceptionHandler = false,

        // Trials get time to end when the user presses Ctrl-C.
        ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
    });
    return parsed.Errors.Count > 0 ? ExitCodes.Usage : exitCode;
}
catch (ServerUnavailableException unavailable)
{
    await Console.Error.WriteLineAsync(unavailable.Message);
    return ExitCodes.Failure;
}
catch (Exception expected) when (expected is StoreException or ExperimentRefusedException or UserException
    or RunnerUnavailableException or TelemetryException or IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync(expected.Message);
    return ExitCodes.Usage;
}
