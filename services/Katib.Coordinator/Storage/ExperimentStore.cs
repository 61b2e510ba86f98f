using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Microsoft.Data.Sqlite;

namespace Katib.Coordinator.Storage;

/// <summary>Experiments and trials in one SQLite file, which one process writes and any number may read.</summary>
/// <remarks>Not for use by several threads at once. Each call is one transaction; what has returned survives a crash.</remarks>
public sealed class ExperimentStore : IDisposable
{
    private readonly SqliteConnection _connection;

    private ExperimentStore(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens the file for writing; makes it, or brings its schema up to date, when needed.</summary>
    /// <exception cref="StoreException">The file is no store, is newer than this program, or cannot be written.</exception>
    public static ExperimentStore Open(string path)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return Connect(path, SqliteOpenMode.ReadWriteCreate);
    }

    /// <summary>Opens an existing file for reading.</summary>
    /// <exception cref="StoreException">There is none, or it cannot be read.</exception>
    public static ExperimentStore OpenExisting(string path) =>
        File.Exists(path)
            ? Connect(path, SqliteOpenMode.ReadWrite)
            : throw new StoreException($"There is no store at '{path}'; run an experiment first, or name its file with --store.");

    /// <summary>Made with the store: tells what belongs to it from what belongs to another one.</summary>
    public string Id
    {
        get
        {
            using var command = Command("SELECT id FROM store");
            return (string)command.ExecuteScalar()!;
        }
    }

    /// <summary>All experiments, oldest first, without their trials.</summary>
    public ImmutableArray<StoredExperiment> List() => ReadExperiments("ORDER BY id", static _ => { }, withTrials: false);

    /// <summary>The experiments that somebody has to go on with, oldest first, without their trials.</summary>
    /// <remarks>One that has ended is among them when its trials may still run.</remarks>
    public ImmutableArray<StoredExperiment> ListUnfinished() =>
        ReadExperiments(
            """
            WHERE ended_at IS NULL OR id IN (SELECT experiment FROM trials WHERE status IN ('Created', 'Running', 'Unknown'))
            ORDER BY id
            """,
            static _ => { },
            withTrials: false);

    /// <summary>One experiment with its trials; null when there is none of that name.</summary>
    public StoredExperiment? Read(string @namespace, string name) =>
        ReadExperiments(
            "WHERE namespace = $namespace AND name = $name",
            command => command.With("$namespace", @namespace).With("$name", name),
            withTrials: true).FirstOrDefault();

    /// <summary>The experiments that have a trial of that name, without their trials.</summary>
    public ImmutableArray<StoredExperiment> FindByTrial(string trial) =>
        ReadExperiments(
            "WHERE id IN (SELECT experiment FROM trials WHERE name = $trial)",
            command => command.With("$trial", trial),
            withTrials: false);

    /// <summary>Adds an experiment that has no trials yet.</summary>
    public StoredExperiment Create(ExperimentSpec spec, string folder, RunnerKind runner, ExperimentState state)
    {
        using var command = Command("""
            INSERT INTO experiments (namespace, name, manifest, folder, runner, started_at, conditions, settings_echo)
            VALUES ($namespace, $name, $manifest, $folder, $runner, $started, $conditions, $echo)
            RETURNING id
            """);
        var manifest = spec.Manifest.ToJsonString();
        var id = (long)command
            .With("$namespace", spec.Namespace)
            .With("$name", spec.Name)
            .With("$manifest", manifest)
            .With("$folder", folder)
            .With("$runner", runner.ToString())
            .With("$started", Text(state.StartedAt))
            .With("$conditions", Json(state.Conditions, StoreJson.Default.ImmutableArrayCondition))
            .With("$echo", Json(state.SettingsEcho, StoreJson.Default.ImmutableArrayKeyValuePairStringString))
            .ExecuteScalar()!;
        return new(id, spec.Namespace, spec.Name, manifest, folder, runner, state);
    }

    /// <summary>Saves how far an experiment has come, its trials aside.</summary>
    public void Save(long experiment, ExperimentState state)
    {
        using var command = Command("""
            UPDATE experiments SET ended_at = $ended, conditions = $conditions, settings_echo = $echo WHERE id = $id
            """);
        _ = command
            .With("$id", experiment)
            .With("$ended", Text(state.EndedAt))
            .With("$conditions", Json(state.Conditions, StoreJson.Default.ImmutableArrayCondition))
            .With("$echo", Json(state.SettingsEcho, StoreJson.Default.ImmutableArrayKeyValuePairStringString))
            .ExecuteNonQuery();
    }

    /// <summary>Saves changed budgets, and that the experiment goes on with them.</summary>
    public void Update(long experiment, ExperimentSpec spec, ExperimentState state)
    {
        using var transaction = _connection.BeginTransaction();
        using var command = Command("UPDATE experiments SET manifest = $manifest WHERE id = $id");
        _ = command.With("$id", experiment).With("$manifest", spec.Manifest.ToJsonString()).ExecuteNonQuery();
        Save(experiment, state);
        transaction.Commit();
    }

    /// <summary>Adds trials, all or none, with the settings that came with them.</summary>
    public void AddTrials(long experiment, ExperimentState after, IEnumerable<TrialState> trials)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var trial in trials)
        {
            Write(experiment, trial);
        }

        Save(experiment, after);
        transaction.Commit();
    }

    /// <summary>Saves a trial. A trial that begins again loses what its last attempt has reported.</summary>
    public void Save(long experiment, TrialState trial)
    {
        using var transaction = _connection.BeginTransaction();
        Write(experiment, trial);
        if (trial.Status is TrialStatus.Created)
        {
            using var command = Command("DELETE FROM observations WHERE experiment = $experiment AND trial = $trial");
            _ = command.With("$experiment", experiment).With("$trial", trial.Number).ExecuteNonQuery();
        }

        transaction.Commit();
    }

    /// <summary>Saves reported values with the trial that they changed; values that are there already stay.</summary>
    public void AppendObservations(long experiment, TrialState trial, long first, ImmutableArray<MetricPoint> points)
    {
        using var transaction = _connection.BeginTransaction();
        Write(experiment, trial);
        using var command = Command("""
            INSERT OR IGNORE INTO observations (experiment, trial, ordinal, metric, value, time)
            VALUES ($experiment, $trial, $ordinal, $metric, $value, $time)
            """);
        for (var i = 0; i < points.Length; i++)
        {
            command.Parameters.Clear();
            _ = command
                .With("$experiment", experiment)
                .With("$trial", trial.Number)
                .With("$ordinal", first + i)
                .With("$metric", points[i].Metric)
                .With("$value", points[i].Value)
                .With("$time", Text(points[i].Time))
                .ExecuteNonQuery();
        }

        transaction.Commit();
    }

    /// <summary>What a trial has reported, in the order of the report.</summary>
    public ImmutableArray<MetricPoint> ReadObservations(long experiment, int trial)
    {
        using var command = Command("""
            SELECT metric, value, time FROM observations WHERE experiment = $experiment AND trial = $trial ORDER BY ordinal
            """);
        using var row = command.With("$experiment", experiment).With("$trial", trial).ExecuteReader();
        var points = ImmutableArray.CreateBuilder<MetricPoint>();
        while (row.Read())
        {
            points.Add(new(row.GetString(0), row.GetString(1), Time(row, 2)));
        }

        return points.ToImmutable();
    }

    /// <summary>Forgets an experiment with all its trials.</summary>
    public void Delete(long experiment)
    {
        using var command = Command("DELETE FROM experiments WHERE id = $id");
        _ = command.With("$id", experiment).ExecuteNonQuery();
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private static ExperimentStore Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            ForeignKeys = true,
            Pooling = false,
            DefaultTimeout = 30,
        }.ToString());
        try
        {
            connection.Open();
            Schema.Prepare(connection, path);
            return new(connection);
        }
        catch (SqliteException failure)
        {
            connection.Dispose();
            throw new StoreException($"The store '{path}' cannot be used: {failure.Message}");
        }
        catch (StoreException)
        {
            connection.Dispose();
            throw;
        }
    }

    private void Write(long experiment, TrialState trial)
    {
        using var command = Command("""
            INSERT INTO trials
              (experiment, number, name, assignments, status, attempt, reason, message, created_at, started_at, ended_at, observation)
            VALUES
              ($experiment, $number, $name, $assignments, $status, $attempt, $reason, $message, $created, $started, $ended, $observation)
            ON CONFLICT (experiment, number) DO UPDATE SET
              status = excluded.status, attempt = excluded.attempt, reason = excluded.reason, message = excluded.message,
              started_at = excluded.started_at, ended_at = excluded.ended_at, observation = excluded.observation
            """);
        _ = command
            .With("$experiment", experiment)
            .With("$number", trial.Number)
            .With("$name", trial.Name)
            .With("$assignments", Json(trial.Assignments, StoreJson.Default.ImmutableArrayAssignment))
            .With("$status", trial.Status.ToString())
            .With("$attempt", trial.Attempt)
            .With("$reason", trial.Reason)
            .With("$message", trial.Message)
            .With("$created", Text(trial.CreatedAt))
            .With("$started", Text(trial.StartedAt))
            .With("$ended", Text(trial.EndedAt))
            .With("$observation", Json(trial.Observation.Metrics, StoreJson.Default.ImmutableArrayMetricSummary))
            .ExecuteNonQuery();
    }

    private ImmutableArray<StoredExperiment> ReadExperiments(string clause, Action<SqliteCommand> bind, bool withTrials)
    {
        // One read transaction, so that an experiment and its trials fit together.
        using var transaction = _connection.BeginTransaction(deferred: true);
        using var command = Command($"""
            SELECT id, namespace, name, manifest, folder, started_at, ended_at, conditions, settings_echo, runner
            FROM experiments {clause}
            """);
        bind(command);
        using var row = command.ExecuteReader();
        var found = ImmutableArray.CreateBuilder<StoredExperiment>();
        while (row.Read())
        {
            var id = row.GetInt64(0);
            var conditions = Parse(row.GetString(7), StoreJson.Default.ImmutableArrayCondition);
            var state = new ExperimentState(
                withTrials ? ReadTrials(id) : [],
                Time(row, 5)!.Value,
                Time(row, 6),
                conditions,
                Parse(row.GetString(8), StoreJson.Default.ImmutableArrayKeyValuePairStringString),
                Conditions.OutcomeOf(conditions));
            found.Add(new(
                id,
                row.GetString(1),
                row.GetString(2),
                row.GetString(3),
                row.GetString(4),
                Enum.Parse<RunnerKind>(row.GetString(9)),
                state));
        }

        return found.ToImmutable();
    }

    private ImmutableArray<TrialState> ReadTrials(long experiment)
    {
        using var command = Command("""
            SELECT name, number, assignments, status, attempt, reason, message, created_at, started_at, ended_at, observation
            FROM trials WHERE experiment = $experiment ORDER BY number
            """);
        using var row = command.With("$experiment", experiment).ExecuteReader();
        var trials = ImmutableArray.CreateBuilder<TrialState>();
        while (row.Read())
        {
            trials.Add(new(
                row.GetString(0),
                row.GetInt32(1),
                Parse(row.GetString(2), StoreJson.Default.ImmutableArrayAssignment),
                Enum.Parse<TrialStatus>(row.GetString(3)),
                row.GetInt32(4),
                row.GetString(5),
                row.GetString(6),
                Time(row, 7)!.Value,
                Time(row, 8),
                Time(row, 9),
                new(Parse(row.GetString(10), StoreJson.Default.ImmutableArrayMetricSummary))));
        }

        return trials.ToImmutable();
    }

    private SqliteCommand Command(string text)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        return command;
    }

    private static string Json<T>(ImmutableArray<T> value, JsonTypeInfo<ImmutableArray<T>> type) =>
        JsonSerializer.Serialize(value, type);

    private static ImmutableArray<T> Parse<T>(string text, JsonTypeInfo<ImmutableArray<T>> type) =>
        JsonSerializer.Deserialize(text, type);

    private static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.Parse(row.GetString(column), CultureInfo.InvariantCulture);
}
