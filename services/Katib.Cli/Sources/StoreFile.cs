using System.Collections.Immutable;
using Katib.Coordinator;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Storage;

namespace Katib.Cli.Sources;

/// <summary>The experiments of a store's file on this machine.</summary>
internal sealed class StoreFile(StoreLocation location) : IExperimentSource
{
    private readonly ExperimentStore _store = ExperimentStore.OpenExisting(location.File);
    private readonly ExperimentSession _session = new(location, TimeProvider.System);

    /// <inheritdoc/>
    public Task<ImmutableArray<ListedExperiment>> ListAsync(string? trial, CancellationToken cancellationToken)
    {
        var found = trial is null ? _store.List() : _store.FindByTrial(trial);
        return Task.FromResult(found
            .Select(e => new ListedExperiment(
                e.Namespace,
                e.Name,
                e.State.Conditions[^1],
                e.State.StartedAt,
                IsAbandoned(e) ? "no process works on it" : null))
            .ToImmutableArray());
    }

    /// <inheritdoc/>
    public Task<KnownExperiment> ReadAsync(ListedExperiment experiment, CancellationToken cancellationToken)
    {
        var stored = Read(experiment);
        return Task.FromResult(new KnownExperiment(
            ExperimentYaml.Parse(stored.Manifest).Spec!,
            stored.State,
            IsAbandoned(stored) ? "No process works on it: `katib run` with the same file goes on." : null));
    }

    /// <inheritdoc/>
    public Task<Stream> OpenLogAsync(ListedExperiment experiment, string trial, CancellationToken cancellationToken)
    {
        var folder = location.FolderOf(experiment.Namespace, experiment.Name);
        return TrialLog.Newest(folder, Read(experiment).State.Find(trial)!) is { } log
            ? Task.FromResult<Stream>(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            : throw new UserException($"The trial '{trial}' has not printed anything yet.");
    }

    /// <inheritdoc/>
    public Task StopAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        _session.StopAsync(_store, Read(experiment), cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(ListedExperiment experiment, CancellationToken cancellationToken) =>
        _session.DeleteAsync(_store, Read(experiment), cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();

    private StoredExperiment Read(ListedExperiment experiment) =>
        _store.Read(experiment.Namespace, experiment.Name)
        ?? throw new UserException($"The experiment '{experiment.Name}' was deleted a moment ago.");

    private bool IsAbandoned(StoredExperiment stored)
    {
        if (stored.State.Outcome is not null)
        {
            return false;
        }

        using var taken = ExperimentLock.TryTake(location.FolderOf(stored.Namespace, stored.Name));
        return taken is not null;
    }
}
