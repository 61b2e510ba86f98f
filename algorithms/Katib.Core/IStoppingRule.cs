using System.Collections.Immutable;

namespace Katib;

/// <summary>A rule for ending trials early: a pure function from what trials have reported to the values below which one is given up.</summary>
/// <remarks>In two steps, so that of a trial that has ended only a few numbers need be kept, however much it has reported.</remarks>
public interface IStoppingRule
{
    /// <summary>The settings that it understands; every other is refused.</summary>
    ImmutableArray<SettingDeclaration> Settings { get; }

    /// <summary>Whether trials in that state are compared with.</summary>
    bool Counts(TrialStatus status);

    /// <summary>The rule with its settings.</summary>
    /// <param name="settings">As the user wrote them.</param>
    /// <param name="maximize">Whether more of the objective is better.</param>
    /// <exception cref="InvalidStudyException">They are wrong; all problems are named.</exception>
    IStoppingPlan Plan(AlgorithmSettings settings, bool maximize);
}

/// <summary>A rule that is ready to judge.</summary>
public interface IStoppingPlan
{
    /// <summary>What counts of a trial.</summary>
    /// <param name="reports">The objective's values in the order of their report; NaN for one that is no number.</param>
    /// <returns>None where the trial says nothing.</returns>
    ImmutableArray<double> Summarize(IEnumerable<double> reports);

    /// <summary>Where a trial is to be given up, by the summaries of others; their order does not matter.</summary>
    ImmutableArray<StoppingThreshold> Decide(IEnumerable<ImmutableArray<double>> summaries);
}

/// <summary>A trial whose best value so far is worse than this, after that many reports or more, is given up.</summary>
/// <param name="Value">The value; possibly infinite, never NaN. A trial that is as good is not given up.</param>
/// <param name="StartStep">How many reports there must be; at least 1.</param>
public readonly record struct StoppingThreshold(double Value, int StartStep);
