using System.Collections.Immutable;
using Katib.Coordinator.Metrics;

namespace Katib.Coordinator.Experiments;

/// <summary>When a trial is to be ended early, as an early stopping service says it.</summary>
/// <param name="Metric">Whose values are looked at.</param>
/// <param name="Value">What they are compared with.</param>
/// <param name="Comparison">How.</param>
/// <param name="StartStep">From which report on, counted from 1; 0 and 1 alike for all of them.</param>
public sealed record StoppingRule(string Metric, double Value, StoppingComparison Comparison, int StartStep)
{
    /// <summary>Why a trial is to be ended, as a sentence; null where it is to go on.</summary>
    /// <remarks>
    /// Of the rules for one metric the one holds whose start step is the largest that the trial has reached; those for
    /// different metrics must all be met. The objective's metric is compared by the best value so far, another by its latest.
    /// Katib's collector looks at each rule once, at exactly its start step; here every report is looked at.
    /// </remarks>
    public static string? Verdict(ImmutableArray<StoppingRule> rules, Observation observation, ObjectiveSpec objective)
    {
        var reasons = new List<string>();
        foreach (var metric in rules.Select(static r => r.Metric).Distinct(StringComparer.Ordinal))
        {
            if (observation.Metrics.FirstOrDefault(m => m.Name == metric) is not { } reported
                || rules.Where(r => r.Metric == metric && r.StartStep <= reported.Count).MaxBy(static r => r.StartStep) is not { } rule
                || reported.By(metric != objective.MetricName ? MetricStrategy.Latest : objective.Maximize ? MetricStrategy.Max : MetricStrategy.Min)
                    is not { } text
                || ObjectiveValue.Of(text).Value is not { } value
                || !rule.Matches(value))
            {
                return null;
            }

            var best = metric == objective.MetricName ? "the best " : "";
            reasons.Add($"{best}{metric} after {reported.Count} reports is {Numbers.Format(value)}, {rule.Words} {Numbers.Format(rule.Value)}");
        }

        return reasons.Count is 0 ? null : string.Join(" and ", reasons);
    }

    private string Words => Comparison switch
    {
        StoppingComparison.Less => "less than",
        StoppingComparison.Greater => "more than",
        _ => "equal to",
    };

    private bool Matches(double value) => Comparison switch
    {
        StoppingComparison.Less => value < Value,
        StoppingComparison.Greater => value > Value,
        _ => value.Equals(Value),
    };
}

/// <summary>How a rule compares.</summary>
public enum StoppingComparison
{
    /// <summary>Met by equal values.</summary>
    Equal,

    /// <summary>Met by smaller values.</summary>
    Less,

    /// <summary>Met by larger values.</summary>
    Greater,
}
