using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;

namespace Katib.Coordinator.Tests.Storage;

/// <summary>What a store does, whatever the database behind it.</summary>
public abstract class StoreConformance
{
    private static readonly ExperimentState Ended = Given.State() with
    {
        EndedAt = Given.Now,
        Conditions = Conditions.Begin(Given.Now).End(Outcome.GoalReached, Given.Now),
    };

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>An empty store.</summary>
    private protected abstract StoreLocation Location { get; }

    [Fact]
    public async Task What_is_written_is_read_by_another_process()
    {
        var spec = Given.Spec();
        ImmutableArray<FailedAttempt> failed = [new(1, FailureClass.Oom, 137, "OOMKilled", Given.Now)];
        var trial = Given.Trial(1, TrialStatus.Succeeded) with
        {
            Reason = "TrialSucceeded",
            Message = "it's \"fine\"\n",
            FailedAttempts = failed,
            ReasonSince = Given.Now.AddSeconds(1),
            ReportedAt = Given.Now.AddSeconds(2),
        };
        string id;
        await using (var store = await OpenAsync())
        {
            id = store.Id;
            var stored = await CreateAsync(store);
            var after = Given.State(trial) with
            {
                SettingsEcho = [KeyValuePair.Create("state", "7")],
                Worked = TimeSpan.FromMilliseconds(1234),
            };
            await store.AddTrialsAsync(stored.Id, after, [trial], Token);
            trial = await store.AppendObservationsAsync(
                stored.Id, trial, "", 0, [new("loss", "0.5", null), new("loss", "0.25", Given.Now)], Token);
        }

        await using var reader = await ExperimentStore.OpenExistingAsync(Location, TimeProvider.System, Token);
        var read = (await reader.ReadAsync("default", "study", Token))!;

        Assert.Equal(id, reader.Id);
        Assert.Matches("^[0-9a-f]{12}$", id);
        Assert.Equal(("default", "study", "/experiments"), (read.Namespace, read.Name, read.Folder));
        Assert.Equal(spec.Manifest.ToJsonString(), read.Manifest);
        Assert.Equal([KeyValuePair.Create("state", "7")], read.State.SettingsEcho);
        Assert.Equal(Conditions.Begin(Given.Now), read.State.Conditions);
        Assert.Equal(TimeSpan.FromMilliseconds(1234), read.State.Worked);
        Assert.Equal(failed, read.State.Trials.Single().FailedAttempts);
        Assert.Equal(
            trial with { Assignments = [], FailedAttempts = [] },
            read.State.Trials.Single() with { Assignments = [], FailedAttempts = [] });
        Assert.Equal(trial.Assignments, read.State.Trials.Single().Assignments);
        Assert.Equal(
            [new("loss", "0.5", null), new("loss", "0.25", Given.Now)], await reader.ReadObservationsAsync(read.Id, 1, Token));
        Assert.Equal("study", (await reader.FindByTrialAsync("study-0001", Token)).Single().Name);
        Assert.Empty(await reader.FindByTrialAsync("study-0002", Token));
    }

    [Fact]
    public async Task What_an_experiment_waits_for_is_kept_until_it_is_over()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);

        await store.NoteAsync(stored.Id, "The service is away.", Token);
        await store.SaveAsync(stored.Id, Given.State(), Token);
        var meanwhile = (await store.ReadAsync("default", "study", Token))!.Note;
        var listed = (await store.ListAsync(Token)).Single().Note;
        await store.NoteAsync(stored.Id, note: null, Token);

        Assert.Null(stored.Note);
        Assert.Equal(("The service is away.", "The service is away."), (meanwhile, listed));
        Assert.Null((await store.ReadAsync("default", "study", Token))!.Note);
    }

    [Fact]
    public async Task The_same_values_reported_again_are_kept_once()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);
        ImmutableArray<MetricPoint> points = [new("loss", "3", null), new("loss", "2", null)];

        await store.AppendObservationsAsync(stored.Id, trial, "", 0, points, Token);
        await store.AppendObservationsAsync(stored.Id, trial, "", 0, [.. points, new("loss", "1", null)], Token);

        Assert.Equal(["3", "2", "1"], (await store.ReadObservationsAsync(stored.Id, 1, Token)).Select(static p => p.Value));
    }

    [Fact]
    public async Task Reported_values_count_once_in_the_trial_they_change()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);

        var first = await store.AppendObservationsAsync(stored.Id, trial, "", 0, [new("loss", "3", null), new("loss", "2", null)], Token);
        var second = await store.AppendObservationsAsync(stored.Id, first, "", 1, [new("loss", "2", null), new("loss", "5", null)], Token);

        Assert.Equal((3, "2", "5", "5"), second.Observation.Metrics[0] is var m ? (m.Count, m.Min, m.Max, m.Latest) : default);
        Assert.Equal(second.Observation, (await store.ReadAsync("default", "study", Token))!.State.Trials.Single().Observation);
    }

    [Fact]
    public async Task Pushed_values_are_kept_once_in_the_order_in_which_they_came()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        var (one, two) = (Given.Trial(1, TrialStatus.Running), Given.Trial(2, TrialStatus.Running));
        await store.AddTrialsAsync(stored.Id, Given.State(one, two), [one, two], Token);

        var after = await store.PushObservationsAsync(
            stored.Id, [(two, [Of("4", "a"), Of("3", "b")]), (one, [Of("7", "a"), Of("6", null), Of("6", null)])], Token);
        after = await store.PushObservationsAsync(stored.Id, [(after[0], [Of("4", "a"), Of("2", "c"), Of("2", "c")])], Token);

        Assert.Equal((2, 3), (after[0].Number, after[0].Observation.Metrics[0].Count));
        Assert.Equal(["4", "3", "2"], (await store.ReadObservationsAsync(stored.Id, 2, Token)).Select(static p => p.Value));
        Assert.Equal(["7", "6", "6"], (await store.ReadObservationsAsync(stored.Id, 1, Token)).Select(static p => p.Value));

        static MetricPoint Of(string value, string? identity) => new("loss", value, Given.Now) { Identity = identity };
    }

    /// <summary>Katib's case DB1: four values with times of several zones, read back by a range of times.</summary>
    [Fact]
    public async Task A_log_is_read_by_metric_and_time()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);
        var zone = TimeSpan.FromHours(2);
        _ = await store.PushObservationsAsync(
            stored.Id,
            [(trial, [
                new("f1_score", "88.95", new(2016, 12, 31, 22, 2, 5, zone)) { Identity = "a" },
                new("loss", "0.5", new(2016, 12, 31, 22, 2, 6, zone)) { Identity = "b" },
                new("precision", "88.7", new(2016, 12, 31, 20, 2, 7, TimeSpan.Zero)) { Identity = "c" },
                new("recall", "89.2", new(2016, 12, 31, 20, 2, 8, TimeSpan.Zero)) { Identity = "d" },
                new("loss", "0.7", null) { Identity = "e" },
            ])],
            Token);
        var found = (await store.FindTrialAsync("default", "study-0001", Token))!;

        Assert.Equal(("default", "study", 1), (found.Namespace, found.ExperimentName, found.State.Number));
        Assert.Null(await store.FindTrialAsync("elsewhere", "study-0001", Token));
        Assert.Equal(4, (await ReadAsync(null, new(2016, 12, 31, 20, 2, 5, TimeSpan.Zero), new(2016, 12, 31, 20, 2, 8, TimeSpan.Zero))).Length);
        Assert.Equal(["0.7", "0.5"], (await ReadAsync("loss", null, null)).Select(static p => p.Value));
        Assert.Equal(["88.7"], (await ReadAsync(
            null, new(2016, 12, 31, 20, 2, 6, 1, TimeSpan.Zero), new(2016, 12, 31, 20, 2, 7, 999, TimeSpan.Zero))).Select(static p => p.Value));
        await store.DeleteLogAsync(found.Experiment, 1, Token);
        Assert.Empty(await ReadAsync(null, null, null));

        Task<ImmutableArray<MetricPoint>> ReadAsync(string? metric, DateTimeOffset? from, DateTimeOffset? to) =>
            store.ReadLogAsync(found.Experiment, found.State.Number, metric, from, to, Token);
    }

    [Fact]
    public async Task What_users_want_is_read_and_left_alone_by_all_else()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        var (first, second) = (Given.Trial(1, TrialStatus.Running), Given.Trial(2, TrialStatus.Created));
        await store.AddTrialsAsync(stored.Id, Given.State(first, second), [first, second], Token);
        Assert.Equal((stored.Manifest, false, 0), await WantedAsync());

        await store.WantAsync(stored.Id, manifest: null, isPaused: true, Token);
        await store.WantAsync(stored.Id, 2, TrialWish.Skip, Token);
        await store.SaveAsync(stored.Id, Given.State(first, second), Token);
        await store.SaveAsync(stored.Id, second with { Attempt = 2 }, Token);
        Assert.Equal((stored.Manifest, true, 1), await WantedAsync());
        Assert.True((await store.ReadAsync("default", "study", Token))!.State.IsPaused);

        await store.WantAsync(stored.Id, "{}", isPaused: null, Token);
        Assert.Equal(("{}", true, 1), await WantedAsync());
        await store.WantAsync(stored.Id, manifest: null, isPaused: false, Token);
        Assert.Equal(("{}", false, 1), await WantedAsync());
        Assert.Equal(TrialWish.Skip, (await store.ReadWantedAsync(stored.Id, Token))!.Wishes[2]);
        Assert.Null(await store.ReadWantedAsync(stored.Id + 1, Token));

        async Task<(string Manifest, bool IsPaused, int Wishes)> WantedAsync() =>
            await store.ReadWantedAsync(stored.Id, Token) is { } wanted ? (wanted.Manifest, wanted.IsPaused, wanted.Wishes.Count) : default;
    }

    [Fact]
    public async Task Each_stream_of_a_trial_keeps_its_own_order()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);
        MetricPoint last = new("loss", "4", Given.Now) { Step = 7 };

        await store.AppendObservationsAsync(stored.Id, trial, "b", 0, [new("loss", "3", null)], Token);
        await store.AppendObservationsAsync(stored.Id, trial, "B", 0, [new("loss", "1", null), new("loss", "2", null)], Token);
        await store.AppendObservationsAsync(stored.Id, trial, "b", 1, [last], Token);

        var points = await store.ReadObservationsAsync(stored.Id, 1, Token);
        Assert.Equal(["1", "2", "3", "4"], points.Select(static p => p.Value));
        Assert.Equal(last, points[^1]);
    }

    [Fact]
    public async Task A_trial_that_begins_again_loses_what_it_has_reported()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);
        await store.AppendObservationsAsync(
            stored.Id, trial, "", 0, [new("loss", "3", null)], Token);

        await store.SaveAsync(stored.Id, Given.Trial(1, TrialStatus.Created), Token);

        Assert.Empty(await store.ReadObservationsAsync(stored.Id, 1, Token));
    }

    [Fact]
    public async Task The_end_of_an_experiment_is_its_conditions_word()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);

        await store.SaveAsync(stored.Id, Ended, Token);

        var read = (await store.ReadAsync("default", "study", Token))!.State;
        Assert.Equal((Outcome.GoalReached, Given.Now), (read.Outcome, read.EndedAt));
    }

    [Fact]
    public async Task Changed_budgets_are_kept_and_the_experiment_goes_on()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        await store.SaveAsync(stored.Id, Ended, Token);

        await store.UpdateAsync(stored.Id, Given.Spec(max: 77), Given.State(), Token);

        var read = (await store.ReadAsync("default", "study", Token))!;
        Assert.Contains("\"maxTrialCount\":77", read.Manifest, StringComparison.Ordinal);
        Assert.Null(read.State.Outcome);
    }

    [Fact]
    public async Task Unfinished_is_what_has_not_ended_or_may_still_have_trials_running()
    {
        await using var store = await OpenAsync();
        foreach (var (name, state, trial) in new[]
        {
            ("under-way", Given.State(), TrialStatus.Running),
            ("ended", Ended, TrialStatus.Succeeded),
            ("ended-with-a-trial", Ended, TrialStatus.Running),
        })
        {
            var stored = await CreateAsync(store, name);
            await store.AddTrialsAsync(stored.Id, state, [Given.Trial(1, trial)], Token);
        }

        Assert.Equal("ended", (await store.FindAsync("default", "ended", Token))!.Name);
        Assert.Null(await store.FindAsync("elsewhere", "ended", Token));
        Assert.Equal(["under-way", "ended-with-a-trial"], (await store.ListUnfinishedAsync(Token)).Select(static e => e.Name));
    }

    [Fact]
    public async Task A_deleted_experiment_leaves_nothing_behind()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);
        await store.AppendObservationsAsync(
            stored.Id, trial, "", 0, [new("loss", "3", null)], Token);

        await store.DeleteAsync(stored.Id, Token);

        Assert.Empty(await store.ListAsync(Token));
        Assert.Empty(await store.FindByTrialAsync("study-0001", Token));
        Assert.Empty(await store.ReadObservationsAsync(stored.Id, 1, Token));
    }

    [Fact]
    public async Task A_name_is_given_once()
    {
        await using var store = await OpenAsync();
        _ = await CreateAsync(store);
        var later = Given.State() with { StartedAt = Given.Now.AddTicks(1) };

        var refusal = await Assert.ThrowsAsync<StoreException>(
            () => store.CreateAsync(Given.Spec(), "/other", RunnerKind.Docker, later, Token));

        Assert.Contains("'study' already", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("/experiments", (await store.ListAsync(Token)).Single().Folder);
    }

    [Fact]
    public async Task Whatever_a_trial_prints_can_be_kept()
    {
        await using var store = await OpenAsync();
        var (stored, first) = await CreateWithTrialAsync(store);
        var trial = first with { Message = "nul \0, half \ud83d, whole \U0001f600" };

        await store.AppendObservationsAsync(stored.Id, trial, "", 0, [new("lo\0ss", "1\0", null)], Token);

        Assert.Equal(
            "nul \ufffd, half \ufffd, whole \U0001f600",
            (await store.ReadAsync("default", "study", Token))!.State.Trials.Single().Message);
        Assert.Equal([new("lo\ufffdss", "1\ufffd", null)], await store.ReadObservationsAsync(stored.Id, 1, Token));
    }

    [Fact]
    public async Task Names_count_to_the_last_letter()
    {
        await using var store = await OpenAsync();
        var (stored, trial) = await CreateWithTrialAsync(store);

        await store.AppendObservationsAsync(stored.Id, trial, "a", 0, [new("loss", "1", null)], Token);
        await store.AppendObservationsAsync(stored.Id, trial, "a ", 0, [new("loss", "2", null)], Token);

        Assert.Equal(["1", "2"], (await store.ReadObservationsAsync(stored.Id, 1, Token)).Select(static p => p.Value));
        Assert.Null(await store.FindAsync("default", "Study", Token));
        Assert.Null(await store.FindAsync("default", "study ", Token));
        Assert.Null(await store.FindAsync("default", "stüdy", Token));
        Assert.Empty(await store.FindByTrialAsync("study-0001 ", Token));
    }

    [Fact]
    public async Task A_reader_sees_one_moment_and_keeps_no_writer_out()
    {
        await using var store = await OpenAsync();
        var stored = await CreateAsync(store);
        await using var reader = Location.Database.Connect();
        await reader.OpenAsync(Token);
        await Location.Database.PrepareAsync(reader, Token);
        await using var moment = await reader.BeginTransactionAsync(Location.Database.Reading, Token);
        var before = await reader.ReadAsync<long>("SELECT count(*) FROM experiments", Token);

        await store.AddTrialsAsync(stored.Id, Given.State(), [Given.Trial(1, TrialStatus.Running)], Token);

        Assert.Equal((1L, 0L), (before, await reader.ReadAsync<long>("SELECT count(*) FROM trials", Token)));
        _ = Assert.Single((await store.ReadAsync("default", "study", Token))!.State.Trials);
    }

    [Fact]
    public async Task Several_may_make_it_at_once()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(OpenAsync, Token)));
        var ids = stores.Select(static s => s.Id).Distinct();

        _ = Assert.Single(ids);
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    private protected Task<ExperimentStore> OpenAsync() =>
        ExperimentStore.OpenAsync(Location, TimeProvider.System, isPatient: false, Token);

    private protected static async Task<(StoredExperiment Stored, TrialState Trial)> CreateWithTrialAsync(ExperimentStore store)
    {
        var (stored, trial) = (await CreateAsync(store), Given.Trial(1, TrialStatus.Running));
        await store.AddTrialsAsync(stored.Id, Given.State(trial), [trial], Token);
        return (stored, trial);
    }

    private protected static Task<StoredExperiment> CreateAsync(ExperimentStore store, string name = "study") =>
        store.CreateAsync(Given.Spec() with { Name = name }, "/experiments", RunnerKind.Process, Given.State(), Token);
}
