namespace Katib.Coordinator.Metrics;

/// <summary>One value that a trial has reported, in the trial's own spelling.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Value">The value's text; may be no number at all.</param>
/// <param name="Time">The time that the report itself bears; null when it bears none (Katib's zero time).</param>
public readonly record struct MetricPoint(string Metric, string Value, DateTimeOffset? Time)
{
    /// <summary>The step of the training that the report itself names; null when it names none.</summary>
    public long? Step { get; init; }

    /// <summary>What a value that may be reported twice is known by; null for one that is read in the order of its report.</summary>
    public string? Identity { get; init; }
}
