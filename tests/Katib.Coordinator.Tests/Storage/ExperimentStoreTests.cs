using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;
using Microsoft.Data.Sqlite;

namespace Katib.Coordinator.Tests.Storage;

public sealed class ExperimentStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-store-").FullName;

    private string File => Path.Combine(_folder, "deep", "katib.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_is_read_by_another_process()
    {
        var spec = Given.Spec();
        var trial = Given.Trial(1, TrialStatus.Succeeded, "0.25") with { Reason = "TrialSucceeded", Message = "it's \"fine\"\n" };
        using (var store = ExperimentStore.Open(File))
        {
            var stored = store.Create(spec, "/experiments", RunnerKind.Process, Given.State());
            var after = Given.State(trial) with { SettingsEcho = [KeyValuePair.Create("state", "7")] };
            store.AddTrials(stored.Id, after, [trial]);
            store.AppendObservations(stored.Id, trial, 0, [new("loss", "0.5", null), new("loss", "0.25", Given.Now)]);
        }

        using var reader = ExperimentStore.OpenExisting(File);
        var read = reader.Read("default", "study")!;

        Assert.Equal(("default", "study", "/experiments"), (read.Namespace, read.Name, read.Folder));
        Assert.Equal(spec.Manifest.ToJsonString(), read.Manifest);
        Assert.Equal([KeyValuePair.Create("state", "7")], read.State.SettingsEcho);
        Assert.Equal(Conditions.Begin(Given.Now), read.State.Conditions);
        Assert.Equal(trial with { Assignments = [] }, read.State.Trials.Single() with { Assignments = [] });
        Assert.Equal(trial.Assignments, read.State.Trials.Single().Assignments);
        Assert.Equal([new("loss", "0.5", null), new("loss", "0.25", Given.Now)], reader.ReadObservations(read.Id, 1));
        Assert.Equal("study", reader.FindByTrial("study-0001").Single().Name);
        Assert.Empty(reader.FindByTrial("study-0002"));
    }

    [Fact]
    public void The_same_values_reported_again_are_kept_once()
    {
        using var store = ExperimentStore.Open(File);
        var stored = store.Create(Given.Spec(), "/", RunnerKind.Process, Given.State());
        var trial = Given.Trial(1, TrialStatus.Running);
        ImmutableArray<MetricPoint> points = [new("loss", "3", null), new("loss", "2", null)];

        store.AppendObservations(stored.Id, trial, 0, points);
        store.AppendObservations(stored.Id, trial, 0, [.. points, new("loss", "1", null)]);

        Assert.Equal(["3", "2", "1"], store.ReadObservations(stored.Id, 1).Select(static p => p.Value));
    }

    [Fact]
    public void A_trial_that_begins_again_loses_what_it_has_reported()
    {
        using var store = ExperimentStore.Open(File);
        var stored = store.Create(Given.Spec(), "/", RunnerKind.Process, Given.State());
        store.AppendObservations(stored.Id, Given.Trial(1, TrialStatus.Running), 0, [new("loss", "3", null)]);

        store.Save(stored.Id, Given.Trial(1, TrialStatus.Created));

        Assert.Empty(store.ReadObservations(stored.Id, 1));
    }

    [Fact]
    public void The_end_of_an_experiment_is_its_conditions_word()
    {
        using var store = ExperimentStore.Open(File);
        var stored = store.Create(Given.Spec(), "/", RunnerKind.Process, Given.State());
        var ended = Given.State() with { EndedAt = Given.Now, Conditions = Conditions.Begin(Given.Now).End(Outcome.GoalReached, Given.Now) };

        store.Save(stored.Id, ended);

        Assert.Equal(Outcome.GoalReached, store.Read("default", "study")!.State.Outcome);
        Assert.Equal(Given.Now, store.Read("default", "study")!.State.EndedAt);
    }

    [Fact]
    public void Unfinished_is_what_has_not_ended_or_may_still_have_trials_running()
    {
        using var store = ExperimentStore.Open(File);
        var ended = Given.State() with { EndedAt = Given.Now, Conditions = Conditions.Begin(Given.Now).End(Outcome.GoalReached, Given.Now) };
        foreach (var (name, state, trial) in new[]
        {
            ("under-way", Given.State(), TrialStatus.Running),
            ("ended", ended, TrialStatus.Succeeded),
            ("ended-with-a-trial", ended, TrialStatus.Running),
        })
        {
            var stored = store.Create(Given.Spec() with { Name = name }, "/", RunnerKind.Process, Given.State());
            store.AddTrials(stored.Id, state, [Given.Trial(1, trial)]);
        }

        Assert.Equal(["under-way", "ended-with-a-trial"], store.ListUnfinished().Select(static e => e.Name));
    }

    [Fact]
    public void A_deleted_experiment_leaves_nothing_behind()
    {
        using var store = ExperimentStore.Open(File);
        var stored = store.Create(Given.Spec(), "/", RunnerKind.Process, Given.State());
        store.AppendObservations(stored.Id, Given.Trial(1, TrialStatus.Running), 0, [new("loss", "3", null)]);

        store.Delete(stored.Id);

        Assert.Empty(store.List());
        Assert.Empty(store.FindByTrial("study-0001"));
        Assert.Empty(store.ReadObservations(stored.Id, 1));
    }

    [Fact]
    public void Each_earlier_schema_is_opened_with_all_that_is_in_it()
    {
        for (var version = 1; version < Schema.Version; version++)
        {
            var file = Path.Combine(_folder, $"v{version}.db");
            using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
            {
                connection.Open();
                using var command = connection.CreateCommand();
                command.CommandText = string.Concat(Enumerable.Range(1, version).Select(Schema.Script)) + $"""
                    PRAGMA user_version = {version};
                    INSERT INTO experiments VALUES
                      (1, 'default', 'old', '{Given.Spec().Manifest.ToJsonString()}', '/', '2020-01-01T00:00:00Z', NULL, '[]', '[]');
                    INSERT INTO trials VALUES
                      (1, 1, 'old-0001', '[]', 'Failed', 1, 'TrialFailed', 'exit code 1', '2020-01-01T00:00:00Z', NULL, NULL, '[]');
                    """;
                _ = command.ExecuteNonQuery();
            }

            using var store = ExperimentStore.Open(file);

            Assert.Equal("exit code 1", store.Read("default", "old")!.State.Trials.Single().Message);
            Assert.Equal("old", store.FindByTrial("old-0001").Single().Name);
        }
    }

    [Fact]
    public void A_newer_schema_is_refused_in_words()
    {
        ExperimentStore.Open(File).Dispose();
        using (var connection = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            _ = command.ExecuteNonQuery();
        }

        var refusal = Assert.Throws<StoreException>(() => ExperimentStore.Open(File));

        Assert.Contains("schema version 99", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--store", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_no_store_are_refused_in_words()
    {
        var text = Path.Combine(_folder, "text.db");
        System.IO.File.WriteAllText(text, new string('x', 5000));
        var foreign = Path.Combine(_folder, "foreign.db");
        using (var connection = new SqliteConnection($"Data Source={foreign};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE other (x INTEGER)";
            _ = command.ExecuteNonQuery();
        }

        Assert.Contains("cannot be used", Assert.Throws<StoreException>(() => ExperimentStore.Open(text)).Message, StringComparison.Ordinal);
        Assert.Contains("another program", Assert.Throws<StoreException>(() => ExperimentStore.Open(foreign)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "There is no store",
            Assert.Throws<StoreException>(() => ExperimentStore.OpenExisting(Path.Combine(_folder, "none.db"))).Message,
            StringComparison.Ordinal);
    }
}
