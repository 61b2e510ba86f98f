using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Cli.Sources;

/// <summary>Where experiments are kept and looked at: a store's file, or a coordinator elsewhere.</summary>
internal interface IExperimentSource : IAsyncDisposable
{
    /// <summary>All experiments, or those with a trial of that name; oldest first.</summary>
    Task<ImmutableArray<ListedExperiment>> ListAsync(string? trial, CancellationToken cancellationToken);

    /// <summary>One experiment with its trials.</summary>
    Task<KnownExperiment> ReadAsync(ListedExperiment experiment, CancellationToken cancellationToken);

    /// <summary>What a trial has printed.</summary>
    Task<Stream> OpenLogAsync(ListedExperiment experiment, string trial, CancellationToken cancellationToken);

    /// <summary>Ends an experiment for good and keeps its results.</summary>
    Task StopAsync(ListedExperiment experiment, CancellationToken cancellationToken);

    /// <summary>Changes the budgets of an experiment.</summary>
    Task SetAsync(ListedExperiment experiment, BudgetChange budgets, CancellationToken cancellationToken);

    /// <summary>Lets an experiment begin no further trial, or lets it go on.</summary>
    Task PauseAsync(ListedExperiment experiment, bool isPaused, CancellationToken cancellationToken);

    /// <summary>Ends a trial of an experiment.</summary>
    Task EndTrialAsync(ListedExperiment experiment, string trial, TrialWish wish, CancellationToken cancellationToken);

    /// <summary>Forgets an experiment with all that its trials have left.</summary>
    Task DeleteAsync(ListedExperiment experiment, CancellationToken cancellationToken);
}

/// <summary>An experiment in a list.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Current">The condition that it is in.</param>
/// <param name="StartedAt">When it was created.</param>
/// <param name="Note">Why it does not get on; null when it does, or has ended.</param>
internal sealed record ListedExperiment(
    string Namespace, string Name, Condition Current, DateTimeOffset StartedAt, string? Note)
{
    /// <summary>As users write it.</summary>
    public string FullName => Namespace is "default" ? Name : $"{Namespace}/{Name}";
}

/// <summary>An experiment with its trials.</summary>
internal sealed record KnownExperiment(ExperimentSpec Spec, ExperimentState State, string? Note);

/// <summary>Finds things by the names that users give.</summary>
internal static class ExperimentSources
{
    /// <summary>The experiment of that name, or namespace/name, with its trials.</summary>
    public static async Task<KnownExperiment> ReadAsync(
        this IExperimentSource source, string name, CancellationToken cancellationToken) =>
        await source.ReadAsync(await source.FindAsync(name, cancellationToken), cancellationToken);

    /// <summary>The experiment of that name, or namespace/name.</summary>
    public static async Task<ListedExperiment> FindAsync(
        this IExperimentSource source, string name, CancellationToken cancellationToken)
    {
        var all = await source.ListAsync(trial: null, cancellationToken);
        var parts = name.Split('/', 2);
        var found = all
            .Where(e => parts is [var @namespace, var bare] ? e.Namespace == @namespace && e.Name == bare : e.Name == name)
            .ToImmutableArray();
        return found switch
        {
            [var one] => one,
            [] => throw new UserException(
                NearestName.Of(name, all.Select(static e => e.Name)) is { } near
                    ? $"There is no experiment '{name}'; did you mean '{near}'?"
                    : $"There is no experiment '{name}'; `katib status` lists those that there are."),
            _ => throw new UserException(
                $"'{name}' exists in several namespaces; say which: {string.Join(", ", found.Select(static e => $"{e.Namespace}/{e.Name}"))}."),
        };
    }
}
