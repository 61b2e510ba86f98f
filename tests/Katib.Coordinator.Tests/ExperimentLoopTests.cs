using System.Net;
using System.Net.Sockets;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;
using Katib.Coordinator.Suggesting;
using Katib.Coordinator.Tests.Runners;
using Katib.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Katib.Coordinator.Tests;

/// <summary>The loop with a real store and a real service; only the trials are make-believe.</summary>
public sealed class ExperimentLoopTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-loop-").FullName;
    private readonly WebApplication _random = SuggestionHost.Build("random", new RandomSearch(), new(IPAddress.Loopback, 0));
    private readonly WebApplication _grid = SuggestionHost.Build("grid", new GridSearch(), new(IPAddress.Loopback, 0));

    public async ValueTask InitializeAsync()
    {
        await _random.StartAsync(TestContext.Current.CancellationToken);
        await _grid.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _random.DisposeAsync();
        await _grid.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_experiment_runs_to_its_budget()
    {
        await using var runner = new InstantRunner(static _ => new(TrialExitKind.Exited, 0, ""));

        var (outcome, state) = await RunAsync(Given.Spec(max: 7), runner, _random);

        Assert.Equal(Outcome.MaxTrialsReached, outcome);
        Assert.Equal(7, state.Trials.Count(static t => t.Status is TrialStatus.Succeeded));
        Assert.Equal(7, state.Trials.Select(static t => t.Assignments[0].Value).Distinct().Count());
    }

    [Fact]
    public async Task A_refused_experiment_fails_with_the_services_words()
    {
        await using var runner = new InstantRunner(static _ => new(TrialExitKind.Exited, 0, ""));

        var (outcome, _) = await RunAsync(Given.Spec(algorithm: "grid"), runner, _grid);

        Assert.False(outcome.Succeeded);
        Assert.Contains("Param x step is nil", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_trial_is_started_again_under_its_name_and_with_its_parameters()
    {
        await using var runner = new InstantRunner(static job => job is { Trial: "study-0002", Attempt: 1 }
            ? new(TrialExitKind.Lost, null, "gone")
            : new(TrialExitKind.Exited, 0, ""));

        var (_, state) = await RunAsync(Given.Spec(max: 3), runner, _random);

        Assert.Equal([1, 2, 1], state.Trials.Select(static t => t.Attempt));
        Assert.All(state.Trials, static t => Assert.Equal(TrialStatus.Succeeded, t.Status));
        Assert.Equal(4, runner.Started.Count);
    }

    [Fact]
    public async Task A_trial_that_is_tried_again_counts_by_its_last_end()
    {
        var spec = Given.Spec(max: 3, maxFailed: 1) with { Policy = RunPolicy.Default with { Retries = new(Infra: 0, Oom: 0, User: 2) } };
        await using var runner = new InstantRunner(static job => new(TrialExitKind.Exited, job.Attempt is 3 ? 0 : 5, ""));

        var (outcome, state) = await RunAsync(spec, runner, _random);

        Assert.Equal(Outcome.MaxTrialsReached, outcome);
        Assert.All(state.Trials, static t => Assert.Equal((TrialStatus.Succeeded, 3, 2), (t.Status, t.Attempt, t.FailedAttempts.Length)));
    }

    [Theory]
    [InlineData(null, false, 0)]
    [InlineData(KeepPolicy.All, true, 0)]
    [InlineData(KeepPolicy.Failed, true, 2)]
    public async Task What_is_kept_of_a_trial_is_removed_when_it_has_not_failed_after_all(KeepPolicy? keeps, bool isKept, int removals)
    {
        var spec = Given.Spec(max: 3) with { Policy = RunPolicy.Default with { Retries = new(Infra: 0, Oom: 0, User: 1), Keeps = keeps } };
        await using var runner = new InstantRunner(static job =>
            new(TrialExitKind.Exited, job.Trial.EndsWith('2') || (job.Trial.EndsWith('3') && job.Attempt is 1) ? 5 : 0, ""));

        var (_, state) = await RunAsync(spec, runner, _random);

        Assert.Equal(
            [TrialStatus.Succeeded, TrialStatus.Failed, TrialStatus.Succeeded], state.Trials.Select(static t => t.Status));
        Assert.All(runner.Started, job => Assert.Equal(isKept, job.IsKept));
        Assert.Equal(state.Trials.Where(static t => !t.IsFailed).Select(static t => t.Name).Take(removals), runner.Stopped.Order());
    }

    [Fact]
    public async Task The_users_points_are_tried_first()
    {
        await using var runner = new InstantRunner(static _ => new(TrialExitKind.Exited, 0, ""));
        var spec = Given.Spec(max: 5, parallel: 2) with { InitialPoints = [[new("x", "0.5")], [new("x", "0.25")], [new("x", "0.75")]] };

        var (_, state) = await RunAsync(spec, runner, _random);

        Assert.Equal(["0.5", "0.25", "0.75"], state.Trials.Take(3).Select(static t => t.Assignments[0].Value));
        Assert.Equal(5, state.Trials.Select(static t => t.Assignments[0].Value).Distinct().Count());
    }

    [Fact]
    public async Task When_the_time_is_over_what_runs_is_stopped()
    {
        var spec = Given.Spec() with { Policy = RunPolicy.Default with { MaxDuration = TimeSpan.FromSeconds(1) } };
        await using var runner = new InstantRunner(static _ => null);

        var (outcome, state) = await RunAsync(spec, runner, _random);

        Assert.Equal(Outcome.MaxDurationReached, outcome);
        Assert.True(state.Worked >= TimeSpan.FromSeconds(1));
        Assert.All(state.Trials, static t => Assert.Equal(TrialStatus.Killed, t.Status));
        Assert.Equal(3, runner.Stopped.Count);
    }

    [Fact]
    public async Task Cancelled_the_running_trials_are_stopped_and_wait_to_be_started_again()
    {
        await using var runner = new InstantRunner(static _ => null);
        using var cancellation = new CancellationTokenSource();
        await using var store = await OpenStoreAsync();
        var spec = Given.Spec();
        var stored = await store.CreateAsync(spec, _folder, RunnerKind.Process, Given.State(), TestContext.Current.CancellationToken);
        using var client = new SuggestionClient(new(_random.Urls.Single()), TimeProvider.System);
        var loop = new ExperimentLoop(spec, stored, store, client, runner, new Progress<ExperimentStep>(), TimeProvider.System);

        var run = loop.RunAsync(cancellation.Token);
        await runner.StartedAsync(3);
        await cancellation.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);

        var after = (await store.ReadAsync("default", "study", TestContext.Current.CancellationToken))!.State.Trials;
        Assert.Equal(["study-0001", "study-0002", "study-0003"], runner.Stopped.Order());
        Assert.All(after, static t => Assert.Equal((TrialStatus.Created, 2), (t.Status, t.Attempt)));
    }

    [Fact]
    public async Task While_an_algorithm_thinks_trials_end_and_what_users_want_is_seen()
    {
        await using var runner = new InstantRunner(static _ => null);
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var cancellation = new CancellationTokenSource();
        await using var store = await OpenStoreAsync();
        var spec = Given.Spec() with { InitialPoints = [[new("x", "0.5")], [new("x", "0.25")]] };
        var stored = await store.CreateAsync(spec, _folder, RunnerKind.Process, Given.State(), TestContext.Current.CancellationToken);
        using var client = new SuggestionClient(new($"http://{silent.LocalEndpoint}"), TimeProvider.System);
        var loop = new ExperimentLoop(spec, stored, store, client, runner, new Progress<ExperimentStep>(), TimeProvider.System);
        var run = loop.RunAsync(cancellation.Token);
        using var asking = await silent.AcceptSocketAsync(TestContext.Current.CancellationToken);
        await runner.StartedAsync(2);

        runner.End("study-0001");
        await Wait.UntilAsync(() => loop.State.Trials[0].Status is TrialStatus.Succeeded, "the first trial's end");
        await store.WantAsync(stored.Id, 2, TrialWish.Skip, TestContext.Current.CancellationToken);
        await Wait.UntilAsync(() => !loop.State.Trials[1].IsActive, "the second trial's end");
        await store.WantAsync(stored.Id, manifest: null, isPaused: true, TestContext.Current.CancellationToken);
        await Wait.UntilAsync(() => loop.State.IsPaused, "the pause");

        await cancellation.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(["study-0002"], runner.Stopped);
    }

    [Fact]
    public async Task What_a_program_that_is_started_again_has_reported_before_does_not_count()
    {
        await using var runner = new InstantRunner(static _ => null);
        await using var store = await OpenStoreAsync();
        var spec = Given.Spec(max: 1, parallel: 1);
        var stored = await store.CreateAsync(spec, _folder, RunnerKind.Process, Given.State(), TestContext.Current.CancellationToken);
        using var client = new SuggestionClient(new(_random.Urls.Single()), TimeProvider.System);
        var loop = new ExperimentLoop(spec, stored, store, client, runner, new Progress<ExperimentStep>(), TimeProvider.System);
        var run = loop.RunAsync(TestContext.Current.CancellationToken);
        await runner.StartedAsync(1);

        runner.Tell(new TrialEvent.Measured("study-0001", "", 1, [new("loss", "0.5", null)]));
        runner.Tell(new TrialEvent.Restarted("study-0001"));
        runner.Tell(new TrialEvent.Measured("study-0001", "", 0, [new("loss", "3", null)]));
        runner.End("study-0001");
        _ = await run;

        Assert.Equal("3", Assert.Single(loop.State.Trials[0].Observation.Metrics).Min);
        var points = await store.ReadObservationsAsync(stored.Id, 1, TestContext.Current.CancellationToken);
        Assert.Equal(["3"], points.Select(static p => p.Value));
    }

    [Fact]
    public async Task A_service_that_does_not_answer_loses_nothing()
    {
        await using var runner = new InstantRunner(static _ => new(TrialExitKind.Exited, 0, ""));
        using var client = new SuggestionClient(new("http://127.0.0.1:1"), TimeProvider.System) { Deadline = TimeSpan.FromSeconds(1) };

        var failure = await Assert.ThrowsAsync<SuggestionUnavailableException>(() => RunAsync(Given.Spec(), runner, client));

        Assert.Contains("http://127.0.0.1:1/ does not answer", failure.Message, StringComparison.Ordinal);
        await using var store = await OpenStoreAsync();
        Assert.Null((await store.ReadAsync("default", "study", TestContext.Current.CancellationToken))!.State.Outcome);
    }

    private Task<ExperimentStore> OpenStoreAsync() => ExperimentStore.OpenAsync(
        StoreLocation.OfFile(Path.Combine(_folder, "katib.db")),
        TimeProvider.System,
        isPatient: true,
        TestContext.Current.CancellationToken);

    private async Task<(Outcome Outcome, ExperimentState State)> RunAsync(
        ExperimentSpec spec, InstantRunner runner, WebApplication service)
    {
        using var client = new SuggestionClient(new(service.Urls.Single()), TimeProvider.System);
        return await RunAsync(spec, runner, client);
    }

    private async Task<(Outcome Outcome, ExperimentState State)> RunAsync(
        ExperimentSpec spec, InstantRunner runner, SuggestionClient client)
    {
        await using var store = await OpenStoreAsync();
        var stored = await store.CreateAsync(spec, _folder, RunnerKind.Process, Given.State(), TestContext.Current.CancellationToken);
        var loop = new ExperimentLoop(spec, stored, store, client, runner, new Progress<ExperimentStep>(), TimeProvider.System);
        var outcome = await loop.RunAsync(TestContext.Current.CancellationToken);
        var saved = (await store.ReadAsync("default", "study", TestContext.Current.CancellationToken))!.State.Trials;
        Assert.Equal(loop.State.Trials.Select(static t => (t.Name, t.Status)), saved.Select(static t => (t.Name, t.Status)));
        return (outcome, loop.State);
    }
}
