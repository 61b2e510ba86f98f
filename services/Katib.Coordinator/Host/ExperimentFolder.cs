using Katib.Coordinator.Storage;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>Runs what lies in the folder of experiments: each file once, and again when its content changes.</summary>
internal sealed partial class ExperimentFolder(
    ExperimentRuns runs, IOptions<CoordinatorOptions> options, ILogger<ExperimentFolder> logger, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private readonly string _folder = options.Value.Experiments;
    private readonly Dictionary<string, (string Content, Task Run)> _known = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // The files come first: one of them may have a larger budget than the experiment that the store remembers.
        await LookAsync(cancellationToken);
        await runs.GoOnAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (_folder.Length > 0 && await timer.WaitForNextTickAsync(stoppingToken))
        {
            await LookAsync(stoppingToken);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (_folder.Length is 0)
        {
            return;
        }

        foreach (var file in Directory.EnumerateFiles(_folder, "*.yaml").Order(StringComparer.Ordinal))
        {
            var isKnown = _known.TryGetValue(file, out var known);
            if (await ReadAsync(file, cancellationToken) is not { } content
                || (isKnown && (!known.Run.IsCompleted || known.Content == content)))
            {
                continue;
            }

            try
            {
                _known[file] = (content, await BeginAsync(file, content, cancellationToken));
            }
            catch (StoreException away) when (away.IsTemporary)
            {
                // It stays unknown, for the next look to begin.
                Log.Refused(logger, file, away.Message);
            }
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

    /// <returns>What ends with the experiment.</returns>
    private async Task<Task> BeginAsync(string file, string content, CancellationToken cancellationToken)
    {
        var submission = await Submission.ReadAsync(content, spec => runs.FindRunnerAsync(spec, fresh: false, cancellationToken));
        foreach (var problem in submission.Problems)
        {
            Log.Problem(logger, problem.In(Path.GetFileName(file)));
        }

        foreach (var note in submission.Parsed.Warnings.Select(w => w.In(Path.GetFileName(file))).Concat(submission.Notes))
        {
            Log.Note(logger, note);
        }

        try
        {
            return submission.Spec is { } spec
                ? runs.Begin(spec, Path.GetFullPath(_folder), submission.Runner, isPatient: true).Completion
                : Task.CompletedTask;
        }
        catch (ExperimentRefusedException refused)
        {
            Log.Refused(logger, file, refused.Message);
            return Task.CompletedTask;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Problem}")]
        public static partial void Problem(ILogger logger, string problem);

        [LoggerMessage(EventId = 6, Level = LogLevel.Warning, Message = "{Note}")]
        public static partial void Note(ILogger logger, string note);

        [LoggerMessage(EventId = 5, Level = LogLevel.Error, Message = "{File} cannot be run: {Reason}")]
        public static partial void Refused(ILogger logger, string file, string reason);
    }
}
