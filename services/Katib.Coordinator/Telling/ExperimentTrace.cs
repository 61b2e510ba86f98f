using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Telling;

/// <summary>An experiment as a trace: one span for the whole, one for each attempt at a trial, and those of calls.</summary>
/// <remarks>
/// The ids follow from what the store holds, and spans are made when what they tell of has ended. So a coordinator that
/// takes over from a killed one tells the same trace, and a worker's spans find their trial whoever saw its end.
/// </remarks>
internal sealed class ExperimentTrace
{
    private const string ParentVariable = "TRACEPARENT";
    private const string StateVariable = "TRACESTATE";

    private static readonly ActivitySource Source = Instruments.Source;

    /// <summary>The id that the next root on this thread gets: when a sampler looks at it, or else when the root starts.</summary>
    [ThreadStatic]
    private static ActivityTraceId _next;

    private readonly string _namespace;
    private readonly string _name;
    private readonly string _key;
    private readonly DateTime _begun;
    private readonly ActivityTraceId _traceId;
    private readonly ActivitySpanId _rootId;

    static ExperimentTrace() =>
        Activity.TraceIdGenerator = static () => _next == default ? ActivityTraceId.CreateRandom() : _next;

    private ExperimentTrace(string @namespace, string name, DateTimeOffset begun)
    {
        (_namespace, _name, _begun) = (@namespace, name, begun.UtcDateTime);
        _key = $"{@namespace}/{name} {_begun:O}";
        _traceId = ActivityTraceId.CreateFromBytes(SHA256.HashData(Encoding.UTF8.GetBytes(_key)).AsSpan(0, 16));
        _rootId = SpanIdOf("experiment");
    }

    /// <summary>The trace of an experiment since it began, or since it went on with a larger budget.</summary>
    public static ExperimentTrace Of(string @namespace, string name, ExperimentState state)
    {
        var running = state.Conditions.FirstOrDefault(static c => c is { Type: Conditions.Running, Status: true });
        return new(@namespace, name, running?.LastTransitionTime ?? state.StartedAt);
    }

    /// <summary>
    /// The experiment's own span, current from now on: parent of all that follows. Null when nobody listens. It is told
    /// once <see cref="End"/> has been called.
    /// </summary>
    public Activity? Begin()
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        // Whoever asked for the experiment has a trace of its own, which ends long before this one.
        var asker = Activity.Current;
        Activity.Current = null;
        _next = _traceId;
        var root = Source.CreateActivity(
            $"experiment {_name}",
            ActivityKind.Internal,
            default(ActivityContext),
            [new("katib.experiment.name", _name), new("katib.experiment.namespace", _namespace)],
            asker is { Recorded: true } ? [new(asker.Context)] : null);
        _ = root?.SetStartTime(_begun).Start();
        _next = default;
        return Identify(root, _rootId);
    }

    /// <summary>The experiment has ended.</summary>
    public static void End(Activity? root, ExperimentState state)
    {
        if (root is null || state is not { Outcome: { } outcome, EndedAt: { } end })
        {
            return;
        }

        _ = root
            .SetTag("katib.experiment.reason", outcome.Reason)
            .SetTag("katib.experiment.trials", state.Trials.Length)
            .SetStatus(outcome.Succeeded ? ActivityStatusCode.Ok : ActivityStatusCode.Error, outcome.Succeeded ? null : outcome.Reason)
            .SetEndTime(end.UtcDateTime);
        root.Stop();
    }

    /// <summary>The algorithm has refused the experiment.</summary>
    public static void Refuse(Activity? root)
    {
        const string Refused = "SuggestionRefused";
        _ = root?.SetStatus(ActivityStatusCode.Error, Refused).SetTag("error.type", Refused);
        root?.Stop();
    }

    /// <summary>The variables by which the attempt's program continues the trace; none when nobody listens.</summary>
    public ImmutableArray<KeyValuePair<string, string>> EnvironmentOf(TrialState trial)
    {
        if (!Source.HasListeners())
        {
            return [];
        }

        var parent = $"00-{_traceId}-{SpanIdOf(trial)}-{(Flags is ActivityTraceFlags.Recorded ? "01" : "00")}";
        var state = Activity.Current?.TraceStateString ?? "";

        // A state that the coordinator itself was started with belongs to another trace.
        return state.Length > 0 || Environment.GetEnvironmentVariable(StateVariable) is { Length: > 0 }
            ? [new(ParentVariable, parent), new(StateVariable, state)]
            : [new(ParentVariable, parent)];
    }

    /// <summary>Tells of an attempt at a trial that has ended.</summary>
    /// <param name="attempt">The trial as it ran.</param>
    /// <param name="after">What has become of it.</param>
    /// <param name="end">When.</param>
    /// <param name="log">Called while the span is current, so that what is logged belongs to it.</param>
    public void Ended(TrialState attempt, TrialState after, DateTimeOffset end, Action? log = null)
    {
        using var span = attempt.StartedAt is { } start
            ? Source.StartActivity(
                $"trial {attempt.Name}",
                ActivityKind.Internal,
                new ActivityContext(_traceId, _rootId, Flags),
                [
                    new("katib.trial.name", attempt.Name),
                    new("katib.trial.attempt", attempt.Attempt),
                    new("katib.trial.reason", after.Reason),
                    .. attempt.Assignments.Select(static a => KeyValuePair.Create($"katib.parameter.{a.Name}", (object?)a.Value)),
                ],
                startTime: start)
            : null;
        _ = Identify(span, SpanIdOf(attempt));
        log?.Invoke();
        _ = span?.SetEndTime(end.UtcDateTime);
        if (after.Status is not (TrialStatus.Succeeded or TrialStatus.EarlyStopped or TrialStatus.Killed))
        {
            _ = span?.SetStatus(ActivityStatusCode.Error, after.Reason).SetTag("error.type", after.Reason);
        }
    }

    /// <summary>Whether the experiment's trace is recorded, which is decided for the whole of it.</summary>
    private static ActivityTraceFlags Flags => Activity.Current?.ActivityTraceFlags ?? ActivityTraceFlags.Recorded;

    private ActivitySpanId SpanIdOf(TrialState trial) => SpanIdOf(FormattableString.Invariant($"{trial.Name} {trial.Attempt}"));

    private ActivitySpanId SpanIdOf(string what) =>
        ActivitySpanId.CreateFromBytes(SHA256.HashData(Encoding.UTF8.GetBytes($"{_key} {what}")).AsSpan(0, 8));

    private static Activity? Identify(Activity? activity, ActivitySpanId id)
    {
        if (activity is not null)
        {
            SpanIdField(activity) = id.ToHexString();
        }

        return activity;
    }

    /// <summary>
    /// Elsewhere OpenTelemetry lets programs choose span ids; .NET has a hook for those of traces only. The field has had
    /// this name since .NET Core 3.0, and a test notices if that ends.
    /// </summary>
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_spanId")]
    private static extern ref string? SpanIdField(Activity activity);
}
