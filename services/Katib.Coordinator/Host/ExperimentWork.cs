using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;

namespace Katib.Coordinator.Host;

/// <summary>One experiment that this process works on: its task, from the submission to the end.</summary>
/// <remarks><c>isPatient</c>: a service that does not answer is waited for, even at the very beginning.</remarks>
internal sealed partial class ExperimentWork(
    ExperimentSession session,
    SessionRequest request,
    bool isPatient,
    CoordinatorOptions options,
    ILogger logger,
    TimeProvider time) : IProgress<ExperimentStep>, IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource _admission = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _interruption = new();
    private volatile ExperimentLoop? _loop;

    /// <summary>What is run.</summary>
    public ExperimentSpec Spec => _loop?.Spec ?? request.Spec;

    /// <summary>Ends when the experiment is in the store and under way, or fails with the reason why it is not.</summary>
    public Task Admission => _admission.Task;

    /// <summary>Ends, always well, when nothing is done any more.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>How far it has come; null before its admission.</summary>
    public ExperimentState? State => _loop?.State;

    /// <summary>Whether there is something to say of it although it is not in the store: not yet, or not any more.</summary>
    public bool IsOnlyHere => !Completion.IsCompleted || (Note is not null && Admission.IsCompletedSuccessfully);

    /// <summary>What there is of it before its admission: nothing yet.</summary>
    public ExperimentState Unbegun { get; } = Nothing(time.GetUtcNow());

    /// <summary>Why it does not get on, as a sentence; null when it does.</summary>
    public string? Note
    {
        get => Volatile.Read(ref field) ?? _loop?.Trouble;
        private set => Volatile.Write(ref field, value);
    }

    /// <summary>Begins; to be called once.</summary>
    public void Begin() => Completion = Task.Run(RunAsync);

    /// <summary>Stops the trials, to be started again by whoever goes on with the experiment; returns when they are.</summary>
    public Task InterruptAsync()
    {
        _ = _interruption.CancelAsync();
        return Completion;
    }

    /// <inheritdoc/>
    public void Report(ExperimentStep value)
    {
        value.LogTo(logger, Spec.Name);
        if (_loop is null)
        {
            // Whoever waits for the admission is to know what for, for instance for an image.
            Note = value.Message;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _interruption.Dispose();

    private static ExperimentState Nothing(DateTimeOffset now) => new(
        [], now, EndedAt: null, [new(Conditions.Created, true, "ExperimentCreated", "Experiment is created", now, now)], []);

    private async Task RunAsync()
    {
        while (await TryRunAsync(_interruption.Token))
        {
            // The service came and went: it is tried again until it is there, or until the work is no longer wanted.
            await Task.Delay(Pause, time, _interruption.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _loop = null;
    }

    /// <summary>One life of the experiment.</summary>
    /// <returns>Whether another one may bring it further.</returns>
    private async Task<bool> TryRunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var stored = await session.RunAsync(
                request with { Fresh = request.Fresh && !Admission.IsCompletedSuccessfully },
                FindServiceAsync,
                DriveAsync,
                this,
                cancellationToken);
            _ = _admission.TrySetResult();
            Log.Ended(logger, Spec.Name, stored.State.Outcome!.Message);
            return false;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _ = _admission.TrySetCanceled(cancellationToken);
            Log.Interrupted(logger, Spec.Name);
            return false;
        }
        catch (Exception unavailable) when (unavailable is SuggestionUnavailableException or RunnerUnavailableException
            && (isPatient || Admission.IsCompletedSuccessfully))
        {
            Note = $"{unavailable.Message} It is tried again.";
            Log.Refused(logger, Spec.Name, Note);
            return true;
        }
        catch (Exception known) when (known is ExperimentRefusedException or SuggestionRefusedException
            or SuggestionUnavailableException or RunnerUnavailableException or StoreException
            or IOException or UnauthorizedAccessException)
        {
            Note = known.Message;
            Log.Refused(logger, Spec.Name, Note);
            _ = _admission.TrySetException(known);
            return false;
        }
#pragma warning disable CA1031 // A bug must not end the coordinator, and whoever waits must hear of it.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Note = "The coordinator has failed at it; its log says how.";
            Log.Failed(logger, Spec.Name, bug);
            _ = _admission.TrySetException(bug);
            return false;
        }
    }

    private Task<Uri> FindServiceAsync(string algorithm, CancellationToken cancellationToken) =>
        options.Endpoints.TryGetValue(algorithm, out var endpoint)
            ? Task.FromResult(endpoint)
            : throw new ExperimentRefusedException(
                $"No service is configured for the algorithm '{algorithm}'; set Coordinator:Endpoints:{algorithm}.")
            {
                Problems =
                [
                    new(
                        "algorithm.algorithmName",
                        algorithm,
                        $"has no service here; this coordinator has {string.Join(", ", options.Endpoints.Keys.Order(StringComparer.Ordinal))}, "
                            + $"and another one is named by its setting Coordinator:Endpoints:{algorithm}"),
                ],
            };

    private Task<Outcome> DriveAsync(ExperimentLoop loop, CancellationToken cancellationToken)
    {
        _loop = loop;
        Note = null;
        _ = _admission.TrySetResult();
        return loop.RunAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "{Experiment} has ended: {Outcome}")]
        public static partial void Ended(ILogger logger, string experiment, string outcome);

        [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "{Experiment} is interrupted")]
        public static partial void Interrupted(ILogger logger, string experiment);

        [LoggerMessage(EventId = 5, Level = LogLevel.Error, Message = "{Experiment} cannot be run: {Reason}")]
        public static partial void Refused(ILogger logger, string experiment, string reason);

        [LoggerMessage(EventId = 7, Level = LogLevel.Critical, Message = "{Experiment} was given up because of a bug in the coordinator")]
        public static partial void Failed(ILogger logger, string experiment, Exception bug);
    }
}
