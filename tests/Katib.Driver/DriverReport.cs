using System.Collections.Immutable;

namespace Katib.Driver;

/// <summary>How an experiment went under <see cref="ControllerDriver"/>.</summary>
public sealed record DriverReport
{
    /// <summary>Whether the experiment reached Succeeded.</summary>
    public required bool Succeeded { get; init; }

    /// <summary>The trials that the experiment has at its end, in the order in which the service suggested them.</summary>
    public required ImmutableArray<DrivenTrial> Trials { get; init; }

    /// <summary>Breaches of the contract: a wrong count, a wrong parameter, a retry answered otherwise.</summary>
    public required ImmutableArray<string> Problems { get; init; }

    /// <summary>Assignments that repeat a trial that the experiment still had, or another one of their reply.</summary>
    public required ImmutableArray<string> Duplicates { get; init; }

    /// <summary>Errors that the service answered with; the controller asks again for ever.</summary>
    public required ImmutableArray<string> Refusals { get; init; }

    /// <summary>How often each fault has happened, by its name in <see cref="Faults"/>.</summary>
    public required ImmutableSortedDictionary<string, int> Happened { get; init; }

    /// <summary>The parameters of the trials, one line each.</summary>
    public ImmutableArray<string> Sequence => [.. Trials.Select(static t => t.ToString())];
}
