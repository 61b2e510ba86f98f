using System.Collections.Immutable;

namespace Katib;

/// <summary>The value of one parameter, as text.</summary>
public readonly record struct Assignment(string Name, string Value);

/// <summary>Where a trial stands, in Katib's words.</summary>
public enum TrialStatus
{
    /// <summary>Wanted, not started; also what a trial without a condition is.</summary>
    Created,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Ended with an objective value.</summary>
    Succeeded,

    /// <summary>Ended by the user or with the experiment.</summary>
    Killed,

    /// <summary>Ended by an error.</summary>
    Failed,

    /// <summary>Ended well, but never reported the objective.</summary>
    MetricsUnavailable,

    /// <summary>Ended by an early-stopping rule.</summary>
    EarlyStopped,

    /// <summary>In a state that the sender has no word for.</summary>
    Unknown,
}

/// <summary>One run of the user's program, as an algorithm sees it.</summary>
/// <param name="Name">Unique in its experiment.</param>
/// <param name="Point">Where it lies; null when its assignments are no point of the search space.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Loss">Its objective value, to be minimised; null when it has none, or none that is a number.</param>
/// <param name="CompletionTime">When it ended, as a text whose ordinal order is that of time; empty when unknown.</param>
public sealed record Trial(string Name, Point? Point, TrialStatus Status, double? Loss, string CompletionTime = "");

/// <summary>
/// A point of a search space: one coordinate for each parameter, see <see cref="ParameterDefinition"/>.
/// </summary>
public readonly struct Point(ImmutableArray<double> coordinates) : IEquatable<Point>
{
    /// <summary>The coordinates, in the order of the parameters.</summary>
    public ImmutableArray<double> Coordinates { get; } = coordinates;

    /// <summary>Compares coordinate by coordinate.</summary>
    public static bool operator ==(Point left, Point right) => left.Equals(right);

    /// <summary>The opposite.</summary>
    public static bool operator !=(Point left, Point right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Point other) => Coordinates.AsSpan().SequenceEqual(other.Coordinates.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Point other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var coordinate in Coordinates)
        {
            hash.Add(coordinate);
        }

        return hash.ToHashCode();
    }
}
