using System.Collections.Immutable;
using Katib.Cli.Rendering;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Katib.Cli;

/// <summary>One <c>katib run --server</c>: hands the experiment to a coordinator and follows it to the printed result.</summary>
internal sealed class ServerRun(CoordinatorServer server, bool isJson, TimeProvider time)
{
    /// <summary>A coordinator that is started anew is back within this time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private KnownExperiment? _known;
    private string? _note;

    /// <summary>Runs the experiment there, or goes on with it, and prints the result.</summary>
    /// <returns>The exit code, see <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(FileInfo file, Budgets budgets, bool fresh, CancellationToken cancellationToken)
    {
        var text = ManifestFile.Text(file);
        var parsed = ExperimentYaml.Parse(text);
        if (parsed.Spec is not { } given)
        {
            return Refuse(file, parsed.Problems);
        }

        try
        {
            var asked = budgets.ApplyTo(given);
            var (known, warnings) = await server.SubmitAsync(
                asked.Namespace, budgets.IsEmpty ? text : asked.Manifest.ToJsonString(), fresh, cancellationToken);
            foreach (var warning in warnings)
            {
                await Console.Error.WriteLineAsync(warning);
            }

            _known = known;
            var display = new RunDisplay(known.Spec, isJson, NullLogger.Instance, time);
            var ended = await display.ShowAsync(
                FollowAsync(known.Spec, display, cancellationToken), () => Volatile.Read(ref _known));
            return RunResult.Print(known.Spec, ended, isJson);
        }
        catch (InvalidManifestException invalid)
        {
            return Refuse(file, invalid.Problems);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync(_known is null
                ? "Stopped before the coordinator has answered; the same command goes on."
                : $"'{given.Name}' runs on at {server.Address}: the same command follows it again, "
                    + $"`katib stop {given.Name} --server {server.Address}` ends it.");
            return ExitCodes.Interrupted;
        }
    }

    private static int Refuse(FileInfo file, ImmutableArray<ManifestProblem> problems)
    {
        foreach (var problem in problems)
        {
            Console.Error.WriteLine(problem.In(file.ToString()));
        }

        return ExitCodes.Usage;
    }

    /// <summary>Follows the experiment to its end, over as many connections as that takes.</summary>
    private async Task<ExperimentState> FollowAsync(ExperimentSpec spec, RunDisplay display, CancellationToken cancellationToken)
    {
        long? lost = null;
        while (true)
        {
            try
            {
                await foreach (var news in server.WatchAsync(spec, cancellationToken))
                {
                    Take(news, display);
                    lost = null;
                    if (news.State is { Outcome: not null } ended && !ended.Trials.Any(static t => t.IsActive))
                    {
                        return ended;
                    }
                }
            }
            catch (ServerUnavailableException unavailable)
            {
                lost ??= time.GetTimestamp();
                if (time.GetElapsedTime(lost.Value) > Patience)
                {
                    throw new ServerUnavailableException(
                        $"{unavailable.Message} The experiment goes on when the coordinator does; the same command follows it again.");
                }
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private void Take(KnownExperiment news, RunDisplay display)
    {
        var old = _known!.State.Trials;
        for (var i = 0; i < news.State.Trials.Length; i++)
        {
            var trial = news.State.Trials[i];
            if (!trial.IsActive && trial.Status is not TrialStatus.Killed && (i >= old.Length || old[i].IsActive))
            {
                display.Report(new(trial.Message) { Trial = trial.Name });
            }
        }

        if (news.Note is not null && news.Note != _note)
        {
            display.Report(new(news.Note));
        }

        _note = news.Note;
        Volatile.Write(ref _known, news);
    }
}
