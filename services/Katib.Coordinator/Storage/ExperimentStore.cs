using System.Collections.Immutable;
using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Storage;

/// <summary>Experiments and trials in one database. One process at a time works on an experiment; any number may read.</summary>
/// <remarks>
/// Not for use by several threads at once. Each call is one transaction; what has returned survives a crash. A call whose
/// connection is lost is made again on a new one: every call may be repeated.
/// </remarks>
public sealed class ExperimentStore : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly TimeProvider _time;
    private DbConnection? _connection;
    private string? _held;

    private ExperimentStore(Database database, TimeProvider time, bool isPatient) =>
        (_database, _time, IsPatient) = (database, time, isPatient);

    /// <summary>Opens the store for writing; makes it, or brings its schema up to date, when needed.</summary>
    /// <param name="location">Where it is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="isPatient">Whether calls wait for a server that does not answer, until they are cancelled.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="StoreException">It is no store, is newer than this program, cannot be written, or does not answer.</exception>
    public static async Task<ExperimentStore> OpenAsync(
        StoreLocation location, TimeProvider time, bool isPatient, CancellationToken cancellationToken)
    {
        var store = new ExperimentStore(location.Database, time, isPatient);
        try
        {
            store.Id = await store.DoAsync(
                static (connection, token) => connection.ReadAsync<string>("SELECT id FROM store", token), cancellationToken);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens the store; a file must be there already.</summary>
    /// <exception cref="StoreException">There is none, or it cannot be read.</exception>
    public static Task<ExperimentStore> OpenExistingAsync(
        StoreLocation location, TimeProvider time, CancellationToken cancellationToken) =>
        location.Database.Exists
            ? OpenAsync(location, time, isPatient: false, cancellationToken)
            : throw new StoreException(
                $"There is no store at '{location.Database.Name}'; run an experiment first, or name its file with --store.");

    /// <summary>Made with the store: tells what belongs to it from what belongs to another one.</summary>
    public string Id { get; private set; } = "";

    /// <summary>Whether calls wait for a server that does not answer, until they are cancelled.</summary>
    public bool IsPatient { get; set; }

    /// <summary>What a patient call waits for, as a sentence; null while the database answers. May be read from any thread.</summary>
    public string? Trouble { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>Marks an experiment as worked on here, until the store is disposed of; false when another process works on it.</summary>
    /// <remarks>A file is not marked: there <see cref="ExperimentLock"/> is enough.</remarks>
    public async Task<bool> TryHoldAsync(string @namespace, string name, CancellationToken cancellationToken)
    {
        var key = $"{@namespace}/{name}";
        var isHeld = await DoAsync((connection, token) => _database.TryHoldAsync(connection, key, token), cancellationToken);
        _held = isHeld ? key : _held;
        return isHeld;
    }

    /// <summary>All experiments, oldest first, without their trials.</summary>
    public Task<ImmutableArray<StoredExperiment>> ListAsync(CancellationToken cancellationToken) =>
        ReadExperimentsAsync("ORDER BY id", static command => command, withTrials: false, cancellationToken);

    /// <summary>The experiments that somebody has to go on with, oldest first, without their trials.</summary>
    /// <remarks>One that has ended is among them when its trials may still run.</remarks>
    public Task<ImmutableArray<StoredExperiment>> ListUnfinishedAsync(CancellationToken cancellationToken) =>
        ReadExperimentsAsync(
            """
            WHERE ended_at IS NULL OR id IN (SELECT experiment FROM trials WHERE status IN ('Created', 'Running', 'Unknown'))
            ORDER BY id
            """,
            static command => command,
            withTrials: false,
            cancellationToken);

    /// <summary>One experiment with its trials; null when there is none of that name.</summary>
    public Task<StoredExperiment?> ReadAsync(string @namespace, string name, CancellationToken cancellationToken) =>
        ReadExperimentAsync(@namespace, name, withTrials: true, cancellationToken);

    /// <summary>One experiment without its trials; null when there is none of that name.</summary>
    public Task<StoredExperiment?> FindAsync(string @namespace, string name, CancellationToken cancellationToken) =>
        ReadExperimentAsync(@namespace, name, withTrials: false, cancellationToken);

    /// <summary>The experiments that have a trial of that name, without their trials.</summary>
    public Task<ImmutableArray<StoredExperiment>> FindByTrialAsync(string trial, CancellationToken cancellationToken) =>
        ReadExperimentsAsync(
            "WHERE id IN (SELECT experiment FROM trials WHERE name = @trial) ORDER BY id",
            command => command.With("@trial", trial),
            withTrials: false,
            cancellationToken);

    /// <summary>Adds an experiment that has no trials yet.</summary>
    /// <exception cref="StoreException">There is another one of that name.</exception>
    public async Task<StoredExperiment> CreateAsync(
        ExperimentSpec spec, string folder, RunnerKind runner, ExperimentState state, CancellationToken cancellationToken)
    {
        var manifest = spec.Manifest.ToJsonString();

        // What a lost call has added is found again: nobody else begins it at this very tick.
        var id = await DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command($"""
                    INSERT INTO experiments (namespace, name, manifest, folder, runner, started_at, conditions, settings_echo)
                    VALUES (@namespace, @name, @manifest, @folder, @runner, @started, @conditions, @echo)
                    {_database.OnConflict(["namespace", "name"])};
                    SELECT id FROM experiments
                    WHERE namespace = @namespace AND name = @name AND started_at = @started AND manifest = @manifest
                    """);
                return await command
                    .With("@namespace", spec.Namespace)
                    .With("@name", spec.Name)
                    .With("@manifest", manifest)
                    .With("@folder", folder)
                    .With("@runner", runner.ToString())
                    .With("@started", Text(state.StartedAt))
                    .With("@conditions", Json(state.Conditions, StoreJson.Default.ImmutableArrayCondition))
                    .With("@echo", Json(state.SettingsEcho, StoreJson.Default.ImmutableArrayKeyValuePairStringString))
                    .ExecuteScalarAsync(token);
            },
            cancellationToken);
        return id is long key
            ? new(key, spec.Namespace, spec.Name, manifest, folder, runner, state)
            : throw new StoreException($"The store '{_database.Name}' has an experiment '{spec.Name}' already.");
    }

    /// <summary>Saves how far an experiment has come, its trials aside.</summary>
    public Task SaveAsync(long experiment, ExperimentState state, CancellationToken cancellationToken) =>
        DoAsync((connection, token) => WriteAsync(connection, experiment, state, token), cancellationToken);

    /// <summary>Saves changed budgets, and that the experiment goes on with them.</summary>
    public Task UpdateAsync(long experiment, ExperimentSpec spec, ExperimentState state, CancellationToken cancellationToken) =>
        TransactAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command("UPDATE experiments SET manifest = @manifest WHERE id = @id");
                _ = await command
                    .With("@id", experiment)
                    .With("@manifest", spec.Manifest.ToJsonString())
                    .ExecuteNonQueryAsync(token);
                _ = await WriteAsync(connection, experiment, state, token);
            },
            cancellationToken);

    /// <summary>What users want of an experiment just now; null when it is gone.</summary>
    public Task<Wanted?> ReadWantedAsync(long experiment, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command("""
                    SELECT manifest, paused, number, wish
                    FROM experiments LEFT JOIN trials ON experiment = id AND wish IS NOT NULL
                    WHERE id = @id
                    """);
                await using var row = await command.With("@id", experiment).ExecuteReaderAsync(token);
                Wanted? wanted = null;
                while (await row.ReadAsync(token))
                {
                    wanted ??= new(row.GetString(0), row.GetInt64(1) is not 0, []);
                    if (!await row.IsDBNullAsync(2, token))
                    {
                        wanted = wanted with { Wishes = wanted.Wishes.Add(row.GetInt32(2), Enum.Parse<TrialWish>(row.GetString(3))) };
                    }
                }

                return wanted;
            },
            cancellationToken);

    /// <summary>Says what is wanted of an experiment, to whoever works on it.</summary>
    /// <param name="experiment">Its key.</param>
    /// <param name="manifest">Its manifest with changed budgets; null to leave them.</param>
    /// <param name="isPaused">Whether further trials wait; null to leave that.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task WantAsync(long experiment, string? manifest, bool? isPaused, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command("""
                    UPDATE experiments SET manifest = coalesce(@manifest, manifest), paused = coalesce(@paused, paused) WHERE id = @id
                    """);
                return await command
                    .With("@id", experiment)
                    .With("@manifest", manifest ?? (object)DBNull.Value)
                    .With("@paused", isPaused switch { null => DBNull.Value, true => 1L, false => (object)0L })
                    .ExecuteNonQueryAsync(token);
            },
            cancellationToken);

    /// <summary>Says how a trial is to end, to whoever works on its experiment.</summary>
    public Task WantAsync(long experiment, int trial, TrialWish wish, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command(
                    "UPDATE trials SET wish = @wish WHERE experiment = @experiment AND number = @number");
                return await command
                    .With("@experiment", experiment)
                    .With("@number", trial)
                    .With("@wish", wish.ToString())
                    .ExecuteNonQueryAsync(token);
            },
            cancellationToken);

    /// <summary>Adds trials, all or none, with the settings that came with them.</summary>
    public Task AddTrialsAsync(
        long experiment, ExperimentState after, ImmutableArray<TrialState> trials, CancellationToken cancellationToken) =>
        TransactAsync(
            async (connection, token) =>
            {
                // The experiment first: whoever writes it meanwhile then waits, where in MySQL one of the two would fail.
                _ = await WriteAsync(connection, experiment, after, token);
                foreach (var trial in trials)
                {
                    await WriteAsync(connection, experiment, trial, token);
                }
            },
            cancellationToken);

    /// <summary>Saves a trial. A trial that begins again loses what its last attempt has reported.</summary>
    public Task SaveAsync(long experiment, TrialState trial, CancellationToken cancellationToken) =>
        TransactAsync(
            async (connection, token) =>
            {
                await WriteAsync(connection, experiment, trial, token);
                if (trial.Status is TrialStatus.Created)
                {
                    await using var command = connection.Command(
                        "DELETE FROM observations WHERE experiment = @experiment AND trial = @trial");
                    _ = await command.With("@experiment", experiment).With("@trial", trial.Number).ExecuteNonQueryAsync(token);
                }
            },
            cancellationToken);

    /// <summary>Saves reported values with the trial that they changed; values that are there already stay.</summary>
    /// <param name="experiment">The experiment's key.</param>
    /// <param name="trial">The trial after the report.</param>
    /// <param name="stream">Where the trial reports them, of several places; empty for the only one.</param>
    /// <param name="first">The ordinal of the first of them in its stream, from 0.</param>
    /// <param name="points">The values.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task AppendObservationsAsync(
        long experiment,
        TrialState trial,
        string stream,
        long first,
        ImmutableArray<MetricPoint> points,
        CancellationToken cancellationToken) =>
        TransactAsync(
            async (connection, token) =>
            {
                await WriteAsync(connection, experiment, trial, token);
                await using var command = connection.Command($"""
                    INSERT INTO observations (experiment, trial, stream, ordinal, metric, value, time, step)
                    VALUES (@experiment, @trial, @stream, @ordinal, @metric, @value, @time, @step)
                    {_database.OnConflict(["experiment", "trial", "stream", "ordinal"])}
                    """);
                for (var i = 0; i < points.Length; i++)
                {
                    command.Parameters.Clear();
                    _ = await command
                        .With("@experiment", experiment)
                        .With("@trial", trial.Number)
                        .With("@stream", stream)
                        .With("@ordinal", first + i)
                        .With("@metric", points[i].Metric)
                        .With("@value", points[i].Value)
                        .With("@time", Text(points[i].Time))
                        .With("@step", points[i].Step)
                        .ExecuteNonQueryAsync(token);
                }
            },
            cancellationToken);

    /// <summary>What a trial has reported, stream by stream and in each in the order of the report.</summary>
    public Task<ImmutableArray<MetricPoint>> ReadObservationsAsync(long experiment, int trial, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command("""
                    SELECT metric, value, time, step FROM observations WHERE experiment = @experiment AND trial = @trial
                    ORDER BY stream, ordinal
                    """);
                await using var row = await command
                    .With("@experiment", experiment)
                    .With("@trial", trial)
                    .ExecuteReaderAsync(token);
                var points = ImmutableArray.CreateBuilder<MetricPoint>();
                while (await row.ReadAsync(token))
                {
                    points.Add(new(row.GetString(0), row.GetString(1), Time(row, 2))
                    {
                        Step = await row.IsDBNullAsync(3, token) ? null : row.GetInt64(3),
                    });
                }

                return points.ToImmutable();
            },
            cancellationToken);

    /// <summary>Forgets an experiment with all its trials.</summary>
    public Task DeleteAsync(long experiment, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command("DELETE FROM experiments WHERE id = @id");
                return await command.With("@id", experiment).ExecuteNonQueryAsync(token);
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }
    }

    private Task<bool> TransactAsync(Func<DbConnection, CancellationToken, Task> work, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token);
                await work(connection, token);
                await transaction.CommitAsync(token);
                return true;
            },
            cancellationToken);

    /// <summary>Does one thing; where the database has gone away, once more on a new connection, and a patient one until it is done.</summary>
    private async Task<T> DoAsync<T>(Func<DbConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var result = await work(await ConnectAsync(cancellationToken), cancellationToken);
                Trouble = null;
                return result;
            }
            catch (Exception failure) when (failure is DbException or HeldElsewhereException || _database.IsAway(failure))
            {
                var isGone = failure is HeldElsewhereException || _database.IsAway(failure);
                if (!isGone || (attempt > 1 && !IsPatient))
                {
                    throw new StoreException($"The store '{_database.Name}' cannot be used: {failure.Message}", failure)
                    {
                        IsTemporary = isGone,
                    };
                }

                await DisposeAsync();
                _connection = null;
                if (attempt > 1)
                {
                    Trouble = $"The store '{_database.Name}' does not answer: {failure.Message} It is tried again.";
                    await Task.Delay(Pause, _time, cancellationToken);
                }
            }
        }
    }

    private async Task<DbConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { State: ConnectionState.Open } open)
        {
            return open;
        }

        await DisposeAsync();
        _connection = null;
        var connection = _database.Connect();
        try
        {
            await connection.OpenAsync(cancellationToken);
            await _database.PrepareAsync(connection, cancellationToken);

            // The mark went with the old connection; without it nothing may be written.
            if (_held is { } key && !await _database.TryHoldAsync(connection, key, cancellationToken))
            {
                throw new HeldElsewhereException();
            }

            return _connection = connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<int> WriteAsync(
        DbConnection connection, long experiment, ExperimentState state, CancellationToken cancellationToken)
    {
        await using var command = connection.Command("""
            UPDATE experiments SET ended_at = @ended, conditions = @conditions, settings_echo = @echo, worked_ms = @worked WHERE id = @id
            """);
        return await command
            .With("@id", experiment)
            .With("@ended", Text(state.EndedAt))
            .With("@conditions", Json(state.Conditions, StoreJson.Default.ImmutableArrayCondition))
            .With("@echo", Json(state.SettingsEcho, StoreJson.Default.ImmutableArrayKeyValuePairStringString))
            .With("@worked", (long)state.Worked.TotalMilliseconds)
            .ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task WriteAsync(
        DbConnection connection, long experiment, TrialState trial, CancellationToken cancellationToken)
    {
        await using var command = connection.Command($"""
            INSERT INTO trials
              (experiment, number, name, assignments, status, attempt, reason, message, created_at, started_at, ended_at, observation,
               failed_attempts)
            VALUES
              (@experiment, @number, @name, @assignments, @status, @attempt, @reason, @message, @created, @started, @ended, @observation,
               @failed)
            {_database.OnConflict(
                ["experiment", "number"],
                "status", "attempt", "reason", "message", "started_at", "ended_at", "observation", "failed_attempts")}
            """);
        _ = await command
            .With("@experiment", experiment)
            .With("@number", trial.Number)
            .With("@name", trial.Name)
            .With("@assignments", Json(trial.Assignments, StoreJson.Default.ImmutableArrayAssignment))
            .With("@status", trial.Status.ToString())
            .With("@attempt", trial.Attempt)
            .With("@reason", trial.Reason)
            .With("@message", trial.Message)
            .With("@created", Text(trial.CreatedAt))
            .With("@started", Text(trial.StartedAt))
            .With("@ended", Text(trial.EndedAt))
            .With("@observation", Json(trial.Observation.Metrics, StoreJson.Default.ImmutableArrayMetricSummary))
            .With("@failed", Json(trial.FailedAttempts, StoreJson.Default.ImmutableArrayFailedAttempt))
            .ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<StoredExperiment?> ReadExperimentAsync(
        string @namespace, string name, bool withTrials, CancellationToken cancellationToken) =>
        (await ReadExperimentsAsync(
            "WHERE namespace = @namespace AND name = @name",
            command => command.With("@namespace", @namespace).With("@name", name),
            withTrials,
            cancellationToken)).FirstOrDefault();

    private Task<ImmutableArray<StoredExperiment>> ReadExperimentsAsync(
        string clause, Func<DbCommand, DbCommand> bind, bool withTrials, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                // One transaction, so that an experiment and its trials fit together.
                await using var transaction = await connection.BeginTransactionAsync(_database.Reading, token);
                var found = await ReadExperimentsAsync(connection, clause, bind, token);
                for (var i = 0; withTrials && i < found.Count; i++)
                {
                    found[i] = found[i] with
                    {
                        State = found[i].State with { Trials = await ReadTrialsAsync(connection, found[i].Id, token) },
                    };
                }

                return found.ToImmutable();
            },
            cancellationToken);

    private static async Task<ImmutableArray<StoredExperiment>.Builder> ReadExperimentsAsync(
        DbConnection connection, string clause, Func<DbCommand, DbCommand> bind, CancellationToken cancellationToken)
    {
        await using var command = bind(connection.Command($"""
            SELECT id, namespace, name, manifest, folder, started_at, ended_at, conditions, settings_echo, runner, worked_ms, paused
            FROM experiments {clause}
            """));
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = ImmutableArray.CreateBuilder<StoredExperiment>();
        while (await row.ReadAsync(cancellationToken))
        {
            var conditions = Parse(row.GetString(7), StoreJson.Default.ImmutableArrayCondition);
            var state = new ExperimentState(
                [],
                Time(row, 5)!.Value,
                Time(row, 6),
                conditions,
                Parse(row.GetString(8), StoreJson.Default.ImmutableArrayKeyValuePairStringString),
                Conditions.OutcomeOf(conditions))
            {
                Worked = TimeSpan.FromMilliseconds(row.GetInt64(10)),
                IsPaused = row.GetInt64(11) is not 0,
            };
            found.Add(new(
                row.GetInt64(0),
                row.GetString(1),
                row.GetString(2),
                row.GetString(3),
                row.GetString(4),
                Enum.Parse<RunnerKind>(row.GetString(9)),
                state));
        }

        return found;
    }

    private static async Task<ImmutableArray<TrialState>> ReadTrialsAsync(
        DbConnection connection, long experiment, CancellationToken cancellationToken)
    {
        await using var command = connection.Command("""
            SELECT name, number, assignments, status, attempt, reason, message, created_at, started_at, ended_at, observation,
              failed_attempts
            FROM trials WHERE experiment = @experiment ORDER BY number
            """);
        await using var row = await command.With("@experiment", experiment).ExecuteReaderAsync(cancellationToken);
        var trials = ImmutableArray.CreateBuilder<TrialState>();
        while (await row.ReadAsync(cancellationToken))
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
                new(Parse(row.GetString(10), StoreJson.Default.ImmutableArrayMetricSummary)))
            {
                FailedAttempts = Parse(row.GetString(11), StoreJson.Default.ImmutableArrayFailedAttempt),
            });
        }

        return trials.ToImmutable();
    }

    private static string Json<T>(ImmutableArray<T> value, JsonTypeInfo<ImmutableArray<T>> type) =>
        JsonSerializer.Serialize(value, type);

    private static ImmutableArray<T> Parse<T>(string text, JsonTypeInfo<ImmutableArray<T>> type) =>
        JsonSerializer.Deserialize(text, type);

    private static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.Parse(row.GetString(column), CultureInfo.InvariantCulture);

    /// <summary>The mark of the experiment could not be taken again.</summary>
    private sealed class HeldElsewhereException() : Exception("another process has begun to work on the experiment.");
}
