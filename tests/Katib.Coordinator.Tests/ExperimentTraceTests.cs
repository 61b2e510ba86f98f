using System.Diagnostics;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Telling;

namespace Katib.Coordinator.Tests;

/// <summary>The ids of an experiment's trace.</summary>
public sealed class ExperimentTraceTests : IDisposable
{
    private readonly List<Activity> _told = [];
    private readonly ActivityListener _listener;

    public ExperimentTraceTests()
    {
        // Spans of tests that run at the same time are heard too.
        _listener = new()
        {
            ShouldListenTo = static source => source.Name is "Katib.Coordinator",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (_told)
                {
                    _told.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void A_trials_span_has_the_id_that_its_program_was_given_whoever_tells_it()
    {
        var state = Given.State();
        var trial = Given.Trial(1, TrialStatus.Running);
        var first = ExperimentTrace.Of("default", "study", state);
        var second = ExperimentTrace.Of("default", "study", state);

        var given = first.EnvironmentOf(trial);
        second.Ended(trial, trial with { Status = TrialStatus.Succeeded }, Given.Now.AddSeconds(3), static () => { });

        var span = Told(s => $"00-{s.TraceId}-{s.SpanId}-01" == given.Single().Value);
        Assert.Equal("TRACEPARENT", given.Single().Key);
        Assert.Equal((Given.Now.UtcDateTime, TimeSpan.FromSeconds(3)), (span.StartTimeUtc, span.Duration));
    }

    [Fact]
    public void Another_attempt_or_another_experiment_has_other_ids()
    {
        var trial = Given.Trial(1, TrialStatus.Running);
        var trace = ExperimentTrace.Of("default", "study", Given.State());
        var later = ExperimentTrace.Of("default", "study", Given.State() with { Conditions = Conditions.Begin(Given.Now.AddSeconds(1)) });

        var ids = new[] { trace.EnvironmentOf(trial), trace.EnvironmentOf(trial with { Attempt = 2 }), later.EnvironmentOf(trial) }
            .Select(static e => e.Single().Value);

        Assert.Equal(3, ids.Distinct().Count());
    }

    [Fact]
    public void The_root_is_told_once_the_experiment_has_ended_and_is_its_trials_parent()
    {
        var trace = ExperimentTrace.Of("default", "study", Given.State());
        var trial = Given.Trial(7, TrialStatus.Running);

        var root = trace.Begin();
        trace.Ended(trial, trial with { Status = TrialStatus.Failed, Reason = "TrialFailed" }, Given.Now, static () => { });
        ExperimentTrace.End(root, Given.State());
        var toldBefore = IsTold(root!);
        ExperimentTrace.End(root, Given.State() with { Outcome = Outcome.GoalReached, EndedAt = Given.Now.AddMinutes(1) });

        var child = Told(s => s.TraceId == root!.TraceId && s.DisplayName is "trial study-0007");
        Assert.False(toldBefore);
        Assert.True(IsTold(root!));
        Assert.Equal(default, root!.ParentSpanId);
        Assert.Equal(root.SpanId, child.ParentSpanId);
        Assert.Equal((ActivityStatusCode.Ok, ActivityStatusCode.Error), (root.Status, child.Status));
        Assert.Equal(TimeSpan.FromMinutes(1), root.Duration);
    }

    private bool IsTold(Activity span)
    {
        lock (_told)
        {
            return _told.Contains(span);
        }
    }

    private Activity Told(Func<Activity, bool> which)
    {
        lock (_told)
        {
            return _told.Single(which);
        }
    }
}
