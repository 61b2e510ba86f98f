using System.Collections.Immutable;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Storage;

/// <summary>An experiment as it lies in the store.</summary>
/// <param name="Id">Its key there.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Manifest">The Experiment as Katib's JSON, defaults filled in, without status.</param>
/// <param name="Folder">The directory that its trials start in.</param>
/// <param name="Runner">What its trials are run as.</param>
/// <param name="State">How far it has come.</param>
public sealed record StoredExperiment(
    long Id, string Namespace, string Name, string Manifest, string Folder, RunnerKind Runner, ExperimentState State)
{
    /// <summary>What whoever works on it waited for when it last said so, as a sentence; null when for nothing.</summary>
    public string? Note { get; init; }
}

/// <summary>A trial as it lies in the store, found by its name.</summary>
/// <param name="Experiment">The key of its experiment.</param>
/// <param name="Namespace">The experiment's namespace.</param>
/// <param name="ExperimentName">The experiment's name.</param>
/// <param name="State">The trial.</param>
public sealed record StoredTrial(long Experiment, string Namespace, string ExperimentName, TrialState State);

/// <summary>What users want of an experiment while it is worked on.</summary>
/// <param name="Manifest">The Experiment, perhaps with changed budgets.</param>
/// <param name="IsPaused">Whether further trials wait.</param>
/// <param name="Wishes">How single trials are to end, by their numbers.</param>
public sealed record Wanted(string Manifest, bool IsPaused, ImmutableDictionary<int, TrialWish> Wishes);

/// <summary>The store cannot be used; the message says why and what to do.</summary>
public sealed class StoreException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Whether it may be usable a little later: its server does not answer.</summary>
    public bool IsTemporary { get; init; }
}
