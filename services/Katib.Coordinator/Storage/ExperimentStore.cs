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
    /// <summary>The stream of what is pushed.</summary>
    private const string PushStream = "push";

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
            (store.Id, store.Secret) = await store.DoAsync(
                static async (connection, token) => (
                    await connection.ReadAsync<string>("SELECT id FROM store", token),
                    await connection.ReadAsync<string>("SELECT secret FROM store", token)),
                cancellationToken);
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

    /// <summary>Made with the store: what the tokens of its trials are signed with.</summary>
    internal string Secret { get; private set; } = "";

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

    /// <summary>Saves what an experiment waits for, as a sentence; null when for nothing.</summary>
    public Task NoteAsync(long experiment, string? note, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = connection.Command("UPDATE experiments SET note = @note WHERE id = @id");
                return await command.With("@id", experiment).With("@note", note).ExecuteNonQueryAsync(token);
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
        SaveAsync(experiment, trial, forgetsPoints: trial.Status is TrialStatus.Created, cancellationToken);

    /// <summary>Saves a trial whose program was started again within its attempt: it loses what the one before has reported.</summary>
    public Task SaveRestartedAsync(long experiment, TrialState trial, CancellationToken cancellationToken) =>
        SaveAsync(experiment, trial, forgetsPoints: true, cancellationToken);

    /// <summary>Saves what a trial has reported in a place where values keep their order.</summary>
    /// <param name="experiment">The experiment's key.</param>
    /// <param name="trial">The trial before the report.</param>
    /// <param name="stream">Where the trial reports them, of several places; empty for the only one.</param>
    /// <param name="first">The ordinal of the first of them in its stream, from 0.</param>
    /// <param name="points">The values.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The trial with those of them that are new.</returns>
    public async Task<TrialState> AppendObservationsAsync(
        long experiment,
        TrialState trial,
        string stream,
        long first,
        ImmutableArray<MetricPoint> points,
        CancellationToken cancellationToken)
    {
        var (after, isNew) = (trial, new bool[points.Length]);
        _ = await TransactAsync(
            async (connection, token) =>
                after = await AppendAsync(connection, experiment, trial, stream, first, points, isNew, token),
            cancellationToken);
        return after;
    }

    /// <summary>Saves what several trials have pushed, all of it or nothing.</summary>
    /// <param name="experiment">The experiment's key.</param>
    /// <param name="reports">Each trial before its report, at most once, and the values.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The trials, in that order, with those of the values that are new.</returns>
    public async Task<ImmutableArray<TrialState>> PushObservationsAsync(
        long experiment,
        ImmutableArray<(TrialState Trial, ImmutableArray<MetricPoint> Points)> reports,
        CancellationToken cancellationToken)
    {
        var after = ImmutableArray.CreateBuilder<TrialState>(reports.Length);
        ImmutableArray<bool[]> areNew = [.. reports.Select(static report => new bool[report.Points.Length])];
        _ = await TransactAsync(
            async (connection, token) =>
            {
                after.Clear();
                foreach (var ((trial, points), isNew) in reports.Zip(areNew))
                {
                    await using var command = connection.Command("""
                        SELECT coalesce(max(ordinal) + 1, 0) FROM observations
                        WHERE experiment = @experiment AND trial = @trial AND stream = @stream
                        """);
                    var first = Convert.ToInt64(
                        await command
                            .With("@experiment", experiment)
                            .With("@trial", trial.Number)
                            .With("@stream", PushStream)
                            .ExecuteScalarAsync(token),
                        CultureInfo.InvariantCulture);
                    after.Add(await AppendAsync(connection, experiment, trial, PushStream, first, points, isNew, token));
                }
            },
            cancellationToken);
        return after.MoveToImmutable();
    }

    /// <summary>What a trial has reported, stream by stream and in each in the order of the report.</summary>
    public Task<ImmutableArray<MetricPoint>> ReadObservationsAsync(long experiment, int trial, CancellationToken cancellationToken) =>
        ReadPointsAsync("ORDER BY stream, ordinal", static command => command, experiment, trial, cancellationToken);

    /// <summary>One trial by its name, with its experiment's key and name; null when there is none.</summary>
    /// <exception cref="StoreException">Several namespaces have one of that name, and none was named.</exception>
    public Task<StoredTrial?> FindTrialAsync(string? @namespace, string trial, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(_database.Reading, token);
                var found = await ReadExperimentsAsync(
                    connection,
                    "WHERE id IN (SELECT experiment FROM trials WHERE name = @trial) ORDER BY id",
                    command => command.With("@trial", trial),
                    token);
                StoredExperiment[] owners = [.. found.Where(e => @namespace is null || e.Namespace == @namespace)];
                return owners switch
                {
                    [] => null,
                    [var owner] => new StoredTrial(
                        owner.Id,
                        owner.Namespace,
                        owner.Name,
                        (await ReadTrialsAsync(connection, owner.Id, "AND name = @name", command => command.With("@name", trial), token))[0]),
                    _ => throw new StoreException(
                        $"Several experiments have a trial '{trial}': {string.Join(", ", owners.Select(static e => $"{e.Namespace}/{e.Name}"))}."),
                };
            },
            cancellationToken);

    /// <summary>What a trial has reported of one metric or of all, by time and then in the order of the report; no time comes first.</summary>
    /// <param name="experiment">The experiment's key.</param>
    /// <param name="trial">The trial's number.</param>
    /// <param name="metric">The metric's name; null for all of them.</param>
    /// <param name="from">The earliest time, inclusive; null for no bound.</param>
    /// <param name="to">The latest time, inclusive; null for no bound.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<ImmutableArray<MetricPoint>> ReadLogAsync(
        long experiment, int trial, string? metric, DateTimeOffset? from, DateTimeOffset? to, CancellationToken cancellationToken) =>
        ReadPointsAsync(
            $"""
            {(metric is null ? "" : "AND metric = @metric")} {(from is null ? "" : "AND time >= @from")} {(to is null ? "" : "AND time <= @to")}
            ORDER BY coalesce(time, ''), stream, ordinal
            """,
            command => command.With("@metric", metric).With("@from", Text(from)).With("@to", Text(to)),
            experiment,
            trial,
            cancellationToken);

    /// <summary>Forgets what a trial has reported, point by point; what its status says of it stays.</summary>
    public Task DeleteLogAsync(long experiment, int trial, CancellationToken cancellationToken) =>
        DoAsync((connection, token) => DeletePointsAsync(connection, experiment, trial, token), cancellationToken);

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
            // What is written to a file that nobody can find any more is lost without a word.
            return _database.Exists ? open : throw new StoreException(
                $"The store '{_database.Name}' was removed while it was in use; nothing more can be saved.");
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

    /// <remarks>
    /// <c>isNew</c> is kept over the repeats of a call: what was committed and not heard of is there the next time, and new
    /// all the same.
    /// </remarks>
    private async Task<TrialState> AppendAsync(
        DbConnection connection,
        long experiment,
        TrialState trial,
        string stream,
        long first,
        ImmutableArray<MetricPoint> points,
        bool[] isNew,
        CancellationToken cancellationToken)
    {
        await using var command = connection.Command($"""
            INSERT INTO observations (experiment, trial, stream, ordinal, metric, value, time, step, identity)
            VALUES (@experiment, @trial, @stream, @ordinal, @metric, @value, @time, @step, @identity)
            {_database.OnConflict(["experiment"])}
            """);
        for (var i = 0; i < points.Length; i++)
        {
            command.Parameters.Clear();
            isNew[i] |= await command
                .With("@experiment", experiment)
                .With("@trial", trial.Number)
                .With("@stream", stream)
                .With("@ordinal", first + i)
                .With("@metric", points[i].Metric)
                .With("@value", points[i].Value)
                .With("@time", Text(points[i].Time))
                .With("@step", points[i].Step)
                .With("@identity", points[i].Identity)
                .ExecuteNonQueryAsync(cancellationToken) > 0;
        }

        var after = trial with { Observation = trial.Observation.Add(points.Where((_, i) => isNew[i])) };
        await WriteAsync(connection, experiment, after, cancellationToken);
        return after;
    }

    private Task<bool> SaveAsync(long experiment, TrialState trial, bool forgetsPoints, CancellationToken cancellationToken) =>
        TransactAsync(
            async (connection, token) =>
            {
                await WriteAsync(connection, experiment, trial, token);
                if (forgetsPoints)
                {
                    _ = await DeletePointsAsync(connection, experiment, trial.Number, token);
                }
            },
            cancellationToken);

    private Task<ImmutableArray<MetricPoint>> ReadPointsAsync(
        string clause, Func<DbCommand, DbCommand> bind, long experiment, int trial, CancellationToken cancellationToken) =>
        DoAsync(
            async (connection, token) =>
            {
                await using var command = bind(connection.Command($"""
                    SELECT metric, value, time, step FROM observations WHERE experiment = @experiment AND trial = @trial
                    {clause}
                    """));
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

    private static async Task<int> DeletePointsAsync(
        DbConnection connection, long experiment, int trial, CancellationToken cancellationToken)
    {
        await using var command = connection.Command("DELETE FROM observations WHERE experiment = @experiment AND trial = @trial");
        return await command.With("@experiment", experiment).With("@trial", trial).ExecuteNonQueryAsync(cancellationToken);
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
               failed_attempts, reason_since, reported_at)
            VALUES
              (@experiment, @number, @name, @assignments, @status, @attempt, @reason, @message, @created, @started, @ended, @observation,
               @failed, @since, @reported)
            {_database.OnConflict(
                ["experiment", "number"],
                "status", "attempt", "reason", "message", "started_at", "ended_at", "observation", "failed_attempts", "reason_since",
                "reported_at")}
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
            .With("@since", Text(trial.ReasonSince))
            .With("@reported", Text(trial.ReportedAt))
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
                        State = found[i].State with
                        {
                            Trials = await ReadTrialsAsync(connection, found[i].Id, "", static command => command, token),
                        },
                    };
                }

                return found.ToImmutable();
            },
            cancellationToken);

    private static async Task<ImmutableArray<StoredExperiment>.Builder> ReadExperimentsAsync(
        DbConnection connection, string clause, Func<DbCommand, DbCommand> bind, CancellationToken cancellationToken)
    {
        await using var command = bind(connection.Command($"""
            SELECT id, namespace, name, manifest, folder, started_at, ended_at, conditions, settings_echo, runner, worked_ms, paused, note
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
                state)
            {
                Note = await row.IsDBNullAsync(12, cancellationToken) ? null : row.GetString(12),
            });
        }

        return found;
    }

    private static async Task<ImmutableArray<TrialState>> ReadTrialsAsync(
        DbConnection connection,
        long experiment,
        string clause,
        Func<DbCommand, DbCommand> bind,
        CancellationToken cancellationToken)
    {
        await using var command = bind(connection.Command($"""
            SELECT name, number, assignments, status, attempt, reason, message, created_at, started_at, ended_at, observation,
              failed_attempts, reason_since, reported_at
            FROM trials WHERE experiment = @experiment {clause} ORDER BY number
            """));
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
                ReasonSince = Time(row, 12),
                ReportedAt = Time(row, 13),
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
