using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Pushing;

/// <summary>An experiment that is worked on here, as those see it whose trials push.</summary>
internal interface IPushTarget
{
    /// <summary>What is run.</summary>
    ExperimentSpec Spec { get; }

    /// <summary>How far it has come.</summary>
    ExperimentState State { get; }

    /// <summary>Takes in what a trial's attempt has pushed; returns when it is saved.</summary>
    /// <returns>Null, or why nothing was taken in.</returns>
    /// <exception cref="OperationCanceledException">The experiment is worked on here no longer.</exception>
    Task<string?> PushAsync(TrialState trial, ImmutableArray<MetricPoint> points, CancellationToken cancellationToken);
}
