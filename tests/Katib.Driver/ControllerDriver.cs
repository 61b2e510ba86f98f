using System.Collections.Immutable;
using Wire = Api.V1.Beta1;

namespace Katib.Driver;

/// <summary>Plays Katib's controller against a Suggestion service, deterministically from a seed.</summary>
/// <remarks>
/// <para>It asks as the controller does: current = requests - suggestionCount; a channel per call; trials of all states
/// without order, those without metrics left out, no labels; settings of the last reply merged in. It demands the exact
/// count, and it ends, counts and deletes trials by the controller's rules, odd as some of them are.</para>
/// <para>What the deletion of trials leaves open in Katib, the order of trials created in the same second, is the order
/// of the reply here.</para>
/// </remarks>
public sealed record ControllerDriver
{
    /// <summary>The experiment; it needs a parallelTrialCount and a maxTrialCount.</summary>
    public required Wire.Experiment Experiment { get; init; }

    /// <summary>Decides all that chance decides.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What goes wrong on the way.</summary>
    public Faults Faults { get; init; } = Faults.None;

    /// <summary>What a trial measures; by default a number in [0,1) that depends on its parameters.</summary>
    public Func<DrivenTrial, double> Objective { get; init; } =
        static trial => Philox.KeyOf(trial.ToString()) / (double)ulong.MaxValue;

    /// <summary>
    /// Sees every request with its reply, those that get lost too. Whoever keeps a request clones it.
    /// </summary>
    public Action<Wire.GetSuggestionsRequest, Wire.GetSuggestionsReply> Answered { get; init; } = static (_, _) => { };

    /// <summary>
    /// The trials that leak in. A point of theirs is a point that the service sees tried, and so does not suggest: for the
    /// sequence to be that of an undisturbed run, they must lie elsewhere.
    /// </summary>
    public ImmutableArray<Wire.Trial> Namesakes { get; init; } = [];

    /// <summary>Runs the experiment until it succeeds, or until it is plain that it does not.</summary>
    public Task<DriverReport> RunAsync(IReadOnlyList<IReplica> replicas, CancellationToken cancellationToken) =>
        new ControllerRun(this, replicas).RunAsync(cancellationToken);
}
