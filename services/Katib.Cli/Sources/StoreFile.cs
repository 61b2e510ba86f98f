using System.Collections.Immutable;
using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;

namespace Katib.Cli.Sources;

/// <summary>The experiments of a store's file on this machine.</summary>
internal sealed class StoreFile : IExperimentSource
{
    private readonly StoreLocation _location;
    private readonly ExperimentStore _store;
    private readonly ExperimentSession _session;

    private StoreFile(StoreLocation location, ExperimentStore store) =>
        (_location, _store, _session) = (location, store, new(location, TimeProvider.System));

    /// <summary>Opens a file that is there.</summary>
    /// <exception cref="StoreException">There is none, or it cannot be read.</exception>
    public static async Task<StoreFile> OpenAsync(StoreLocation location, CancellationToken cancellationToken) =>
        new(location, await ExperimentStore.OpenExistingAsync(location, TimeProvider.System, cancellationToken));

    /// <inheritdoc/>
    public async Task<ImmutableArray<ListedExperiment>> ListAsync(string? trial, CancellationToken cancellationToken)
    {
        var found = trial is null
            ? await _store.ListAsync(cancellationToken)
            : await _store.FindByTrialAsync(trial, cancellationToken);
        return
        [
            .. found.Select(e => new ListedExperiment(
                e.Namespace,
                e.Name,
                e.State.Conditions[^1],
                e.State.StartedAt,
                IsAbandoned(e) ? "no process works on it" : e.State.Outcome is null ? e.Note : null)),
        ];
    }

    /// <inheritdoc/>
    public async Task<KnownExperiment> ReadAsync(ListedExperiment experiment, CancellationToken cancellationToken)
    {
        var stored = await FindAsync(experiment, cancellationToken);
        return new(
            ExperimentYaml.Parse(stored.Manifest).Spec!,
            stored.State,
            IsAbandoned(stored) ? $"No process works on it: `katib run` with the same file goes on.{LastWords(stored)}"
                : stored.State.Outcome is null && stored.Note is { } trouble ? trouble
                : stored.State is { IsPaused: true, Outcome: null } ? $"It is paused; `katib resume {stored.Name}` lets it go on."
                : null);
    }

    /// <inheritdoc/>
    public async Task<Stream> OpenLogAsync(ListedExperiment experiment, string trial, CancellationToken cancellationToken)
    {
        var folder = _location.FolderOf(experiment.Namespace, experiment.Name);
        var stored = await FindAsync(experiment, cancellationToken);
        return TrialLog.Newest(folder, stored.State.Find(trial)!) is { } log
            ? new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)
            : throw new UserException($"The trial '{trial}' has not printed anything yet.");
    }

    /// <inheritdoc/>
    public async Task StopAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        await _session.StopAsync(_store, await FindAsync(experiment, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async Task SetAsync(ListedExperiment experiment, BudgetChange budgets, CancellationToken cancellationToken) =>
        await ExperimentSession.SetAsync(_store, await FindAsync(experiment, cancellationToken), budgets, cancellationToken);

    /// <inheritdoc/>
    public async Task PauseAsync(ListedExperiment experiment, bool isPaused, CancellationToken cancellationToken) =>
        await ExperimentSession.PauseAsync(_store, await FindAsync(experiment, cancellationToken), isPaused, cancellationToken);

    /// <inheritdoc/>
    public async Task EndTrialAsync(
        ListedExperiment experiment, string trial, TrialWish wish, CancellationToken cancellationToken) =>
        await ExperimentSession.EndTrialAsync(_store, await FindAsync(experiment, cancellationToken), trial, wish, cancellationToken);

    /// <inheritdoc/>
    public async Task DeleteAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        await _session.DeleteAsync(_store, await FindAsync(experiment, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private async Task<StoredExperiment> FindAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        await _store.ReadAsync(experiment.Namespace, experiment.Name, cancellationToken)
        ?? throw new UserException($"The experiment '{experiment.Name}' was deleted a moment ago.");

    private static string LastWords(StoredExperiment stored) => stored.Note is { } trouble ? $" What it waited for: {trouble}" : "";

    private bool IsAbandoned(StoredExperiment stored)
    {
        if (stored.State.Outcome is not null)
        {
            return false;
        }

        using var taken = ExperimentLock.TryTake(_location.FolderOf(stored.Namespace, stored.Name));
        return taken is not null;
    }
}
