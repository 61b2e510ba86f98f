using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class StatusReaderTests
{
    [Fact]
    public void What_was_written_is_read_again()
    {
        var spec = Given.Spec(max: 20);
        var state = Given.State(
            Given.Trial(1, TrialStatus.Succeeded, "0.25") with { Reason = "TrialSucceeded", Message = "Trial has succeeded" },
            Given.Trial(2, TrialStatus.Failed) with { Reason = "TrialFailed", Message = "exit code 3" },
            Given.Trial(3, TrialStatus.MetricsUnavailable) with { Reason = "MetricsUnavailable", Message = "never" },
            Given.Trial(4, TrialStatus.Killed, "0.5") with { Reason = "TrialKilled", Message = "stopped" },
            Given.Trial(5, TrialStatus.Running, "0.75") with
            {
                Reason = "TrialRunning",
                Message = "Trial is running",
                StartedAt = Given.Now.AddMilliseconds(123),
                ReasonSince = Given.Now.AddSeconds(1),
                ReportedAt = Given.Now.AddSeconds(2),
            },
            Given.Trial(6, TrialStatus.Created) with
            {
                Reason = "Interrupted",
                Message = "Trial was interrupted",
                ReasonSince = Given.Now,
            }) with
        {
            IsPaused = true,
        };

        var json = JsonNode.Parse(StatusJson.OfExperiment(spec, state).ToJsonString())!.AsObject();
        var readSpec = StatusReader.SpecOf(json);
        var read = StatusReader.StateOf(readSpec, json);

        Assert.Equal(spec.Manifest.ToJsonString(), readSpec.Manifest.ToJsonString());
        Assert.Equal(state.Conditions, read.Conditions);
        Assert.Equal(state.Trials.Select(Flat), read.Trials.Select(Flat));
        Assert.True(read.IsPaused);
        Assert.Null(read.Outcome);
    }

    [Fact]
    public void How_an_experiment_ended_is_read_again()
    {
        var spec = Given.Spec();
        var state = Given.State();
        state = state with
        {
            Outcome = Outcome.Stopped,
            EndedAt = Given.Now.AddHours(1),
            Conditions = state.Conditions.End(Outcome.Stopped, Given.Now.AddHours(1)),
        };

        var read = StatusReader.StateOf(spec, StatusJson.OfExperiment(spec, state));

        Assert.Equal(state.Outcome, read.Outcome);
        Assert.Equal(state.EndedAt, read.EndedAt);
    }

    [Fact]
    public void A_trial_that_is_not_over_shows_its_outlook_and_an_experiment_why_it_does_not_get_on()
    {
        var running = Given.Trial(1, TrialStatus.Running) with { Reason = "TrialRunning", Message = "Trial is running" };

        var json = StatusJson.OfExperiment(Given.Spec(), Given.State(running, Given.Trial(2, TrialStatus.Failed)), "The service is away.");

        Assert.Equal("The service is away.", (string?)json["note"]);
        Assert.Equal(
            """{"reason":"TrialRunning","since":"2020-01-01T15:04:05Z","next":"It runs; no value of \u0027loss\u0027 so far."}""",
            json["trials"]![0]!["outlook"]!.ToJsonString());
        Assert.Null(json["trials"]![1]!["outlook"]);
    }

    [Theory]
    [InlineData("""{ }""")]
    [InlineData("""{ "status": 3 }""")]
    [InlineData("""{ "status": { "conditions": [], "startTime": "yesterday" } }""")]
    [InlineData("""{ "status": { "conditions": {}, "startTime": "2020-01-01T00:00:00Z" } }""")]
    public void What_is_no_status_is_refused(string json) =>
        Assert.Throws<FormatException>(() => StatusReader.ProgressOf(JsonNode.Parse(json)!.AsObject()));

    /// <summary>A trial as one text; of a value's time Katib's JSON says nothing.</summary>
    private static string Flat(TrialState trial) =>
        $"{trial.Name} {trial.Number} {string.Join(' ', trial.Assignments)} {trial.Status} {trial.Reason} {trial.Message} "
        + $"{trial.CreatedAt:O} {trial.StartedAt:O} {trial.EndedAt:O} {trial.ReasonSince:O} {trial.ReportedAt:O} {string.Join(' ', trial.Observation.Metrics.Select(static m => m with { Count = 0 }))}";
}
