using System.Collections.Immutable;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Metrics;

/// <summary>What a trial has reported so far: the smallest, largest and latest value of each metric.</summary>
/// <remarks>A value: adding a point gives a new one, at a cost that does not grow with the points before.</remarks>
public sealed record Observation(ImmutableArray<MetricSummary> Metrics)
{
    /// <summary>Nothing reported yet.</summary>
    public static Observation Of(ImmutableArray<string> metricNames) => new([.. metricNames.Select(MetricSummary.Of)]);

    /// <summary>The summary with one more point; a point of another metric changes nothing.</summary>
    public Observation Add(MetricPoint point)
    {
        for (var i = 0; i < Metrics.Length; i++)
        {
            if (Metrics[i].Name == point.Metric)
            {
                return new(Metrics.SetItem(i, Metrics[i].Add(point.Value, point.Time)));
            }
        }

        return this;
    }

    /// <summary>The summary with more points, in the order in which they were reported.</summary>
    public Observation Add(IEnumerable<MetricPoint> points) =>
        points.Aggregate(this, static (observation, point) => observation.Add(point));

    /// <summary>What the objective's metric says about the trial, by its strategy.</summary>
    public ObjectiveValue ValueOf(ObjectiveSpec objective) =>
        Metrics.FirstOrDefault(metric => metric.Name == objective.MetricName) is { } metric
            ? ObjectiveValue.Of(metric.By(objective.Strategies[objective.MetricName]))
            : ObjectiveValue.Of(MetricSummary.Unavailable);

    /// <summary>Whether both have the same summaries.</summary>
    public bool Equals(Observation? other) => other is not null && Metrics.SequenceEqual(other.Metrics);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        Metrics.Aggregate(0, static (hash, metric) => HashCode.Combine(hash, metric));
}

/// <summary>One metric of an <see cref="Observation"/>, in the spelling of the trial.</summary>
/// <param name="Name">The metric's name.</param>
/// <param name="Min">The smallest number, or <see cref="Unavailable"/>.</param>
/// <param name="Max">The largest number, or <see cref="Unavailable"/>.</param>
/// <param name="Latest">The value with the latest time, number or not; or <see cref="Unavailable"/>.</param>
/// <param name="LatestTime">That time; null when the value bore none. Katib's JSON has none; a store keeps it.</param>
public sealed record MetricSummary(string Name, string Min, string Max, string Latest, DateTimeOffset? LatestTime)
{
    /// <summary>Katib's word for a value that was never reported.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>How many values were reported, numbers or not.</summary>
    public long Count { get; init; }

    /// <summary>A metric of which nothing was reported.</summary>
    public static MetricSummary Of(string name) => new(name, Unavailable, Unavailable, Unavailable, LatestTime: null);

    /// <summary>The summary with one more value.</summary>
    /// <remarks>
    /// NaN is neither small nor large. Without a time a value has Katib's zero time, before all others; of equal times
    /// the later report counts.
    /// </remarks>
    public MetricSummary Add(string value, DateTimeOffset? time)
    {
        var next = this with { Count = Count + 1 };
        if (Numbers.TryParseReported(value, out var number) && !double.IsNaN(number))
        {
            next = next with
            {
                Min = Numbers.TryParseReported(Min, out var min) && min <= number ? Min : value,
                Max = Numbers.TryParseReported(Max, out var max) && max >= number ? Max : value,
            };
        }

        return (time ?? DateTimeOffset.MinValue) >= (LatestTime ?? DateTimeOffset.MinValue)
            ? next with { Latest = value, LatestTime = time }
            : next;
    }

    /// <summary>The value that a strategy picks; the latest where no number was reported, as in Katib.</summary>
    public string By(MetricStrategy strategy) => strategy switch
    {
        MetricStrategy.Min when Min is not Unavailable => Min,
        MetricStrategy.Max when Max is not Unavailable => Max,
        _ => Latest,
    };
}

/// <summary>The objective's value as a number, or the reason why there is none.</summary>
/// <param name="Value">The number, possibly infinite, never NaN.</param>
/// <param name="Reason">Why there is none: <c>unavailable</c>, <c>NaN</c> or <c>not a number: '...'</c>.</param>
public readonly record struct ObjectiveValue(double? Value, string? Reason)
{
    /// <summary>Reads a value as a trial has written it.</summary>
    public static ObjectiveValue Of(string text) =>
        text is MetricSummary.Unavailable ? new(null, text)
        : !Numbers.TryParseReported(text, out var number) ? new(null, $"not a number: '{MetricsFindings.Excerpt(text)}'")
        : double.IsNaN(number) ? new(null, "NaN")
        : new(number, null);
}
