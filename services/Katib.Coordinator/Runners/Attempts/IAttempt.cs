using System.Net;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Runners.Attempts;

/// <summary>Tells where an attempt stands: one of <see cref="TrialReasons"/>, and a sentence for the user.</summary>
internal delegate ValueTask TrialNote(string reason, string message);

/// <summary>One attempt at a trial, as its runner brings it to its end.</summary>
internal interface IAttempt
{
    /// <summary>The file in which its metrics appear, or the folder.</summary>
    string MetricsPath { get; }

    /// <summary>The file with all that it has printed.</summary>
    string OutputLog { get; }

    /// <summary>Where it serves its metrics page; null while it does not run, and where it has none.</summary>
    IPEndPoint? MetricsEndpoint { get; }

    /// <summary>Another number when the program was started again by what runs it, and its metrics begin anew in the same place.</summary>
    int Run => 0;

    /// <summary>Starts it, or adopts it, and waits for its end. Cancelling leaves it as it is.</summary>
    Task<TrialExit> EndAsync(TrialNote note, CancellationToken cancellationToken);
}
