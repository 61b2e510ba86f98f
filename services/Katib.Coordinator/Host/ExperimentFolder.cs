using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners.Local;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>Runs what lies in the folder of experiments: each file once, and again when its content changes.</summary>
internal sealed partial class ExperimentFolder(
    IOptions<CoordinatorOptions> options, ILogger<ExperimentFolder> logger, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private readonly CoordinatorOptions _options = options.Value;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var runs = new Dictionary<string, (string Content, Task Run)>(StringComparer.Ordinal);
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
            {
                foreach (var file in Directory.EnumerateFiles(_options.Experiments, "*.yaml").Order(StringComparer.Ordinal))
                {
                    var isKnown = runs.TryGetValue(file, out var known);
                    var content = await File.ReadAllTextAsync(file, stoppingToken);
                    if (!isKnown || (known.Run.IsCompleted && known.Content != content))
                    {
                        runs[file] = (content, RunAsync(file, content, stoppingToken));
                    }
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        finally
        {
            await Task.WhenAll(runs.Values.Select(static r => r.Run));
        }
    }

    private async Task RunAsync(string file, string content, CancellationToken cancellationToken)
    {
        try
        {
            var parsed = ExperimentYaml.Parse(content);
            var problems = parsed.Spec is { Template: var template } checkedSpec
                ? [.. LocalJob.Check(template.RunObject, template.PrimaryContainerName, checkedSpec.MetricsCollector)
                    .Problems.Select(parsed.Locate)]
                : parsed.Problems;
            foreach (var problem in problems)
            {
                Log.Problem(logger, problem.In(Path.GetFileName(file)));
            }

            if (parsed.Spec is not { } spec || !problems.IsEmpty)
            {
                return;
            }

            var stored = await new ExperimentSession(new(_options.Store), time).RunAsync(
                new(spec, Path.GetFullPath(_options.Experiments), Gpus: [], Fresh: false),
                (algorithm, _) => Task.FromResult(_options.Endpoints.TryGetValue(algorithm, out var endpoint)
                    ? endpoint
                    : throw new ExperimentRefusedException(
                        $"No service is configured for the algorithm '{algorithm}'; set Coordinator:Endpoints:{algorithm}.")),
                static (loop, token) => loop.RunAsync(token),
                new Lines(logger, spec.Name),
                cancellationToken);
            Log.Ended(logger, spec.Name, stored.State.Outcome!.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Log.Interrupted(logger, file);
        }
        catch (Exception known) when (known is ExperimentRefusedException or SuggestionRefusedException
            or SuggestionUnavailableException or StoreException)
        {
            Log.Refused(logger, file, known.Message);
        }
    }

    private sealed class Lines(ILogger logger, string experiment) : IProgress<string>
    {
        public void Report(string value) => Log.Step(logger, experiment, value);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Problem}")]
        public static partial void Problem(ILogger logger, string problem);

        [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "{Experiment}: {Step}")]
        public static partial void Step(ILogger logger, string experiment, string step);

        [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "{Experiment} has ended: {Outcome}")]
        public static partial void Ended(ILogger logger, string experiment, string outcome);

        [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "{File} is interrupted and goes on at the next start")]
        public static partial void Interrupted(ILogger logger, string file);

        [LoggerMessage(EventId = 5, Level = LogLevel.Error, Message = "{File} cannot be run: {Reason}")]
        public static partial void Refused(ILogger logger, string file, string reason);
    }
}
