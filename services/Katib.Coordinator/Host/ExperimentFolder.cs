using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>Runs what lies in the folder of experiments: each file once, and again when its content changes.</summary>
internal sealed partial class ExperimentFolder(
    IOptions<CoordinatorOptions> options, ILogger<ExperimentFolder> logger, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

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
                    if (await ReadAsync(file, stoppingToken) is not { } content)
                    {
                        continue;
                    }

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

    /// <summary>The file's text; null when it has gone or cannot be read, which the next look may find otherwise.</summary>
    private async Task<string?> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            Log.Refused(logger, file, unreadable.Message);
            return null;
        }
    }

    private async Task RunAsync(string file, string content, CancellationToken cancellationToken)
    {
        try
        {
            var parsed = ExperimentYaml.Parse(content);
            var session = new ExperimentSession(new(_options.Store), time);
            var runner = _options.Runner;
            if (parsed.Spec is { } known)
            {
                runner = session.FindRunner(known.Namespace, known.Name) ?? runner;
            }

            var local = parsed.Spec is null ? new([], []) : runner.Check(parsed.Spec);
            var problems = parsed.Problems.AddRange(local.Problems.Select(parsed.Locate));
            foreach (var problem in problems)
            {
                Log.Problem(logger, problem.In(Path.GetFileName(file)));
            }

            foreach (var note in parsed.Warnings.Select(w => w.In(Path.GetFileName(file))).Concat(local.Notes))
            {
                Log.Note(logger, note);
            }

            if (parsed.Spec is not { } spec || !problems.IsEmpty)
            {
                return;
            }

            var stored = await session.RunAsync(
                new(spec, Path.GetFullPath(_options.Experiments), Gpus: [], Fresh: false) { Runner = runner },
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
        catch (Exception unavailable) when (
            unavailable is SuggestionUnavailableException or RunnerUnavailableException)
        {
            Log.Refused(logger, file, $"{unavailable.Message} It is tried again.");
            await Task.Delay(Pause, time, cancellationToken);
            await RunAsync(file, content, cancellationToken);
        }
        catch (Exception known) when (known is ExperimentRefusedException or SuggestionRefusedException or StoreException
            or SqliteException or IOException or UnauthorizedAccessException)
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

        [LoggerMessage(EventId = 6, Level = LogLevel.Warning, Message = "{Note}")]
        public static partial void Note(ILogger logger, string note);

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
