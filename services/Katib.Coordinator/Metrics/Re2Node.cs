using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics;

/// <summary>A part of an expression, flags and case already resolved.</summary>
/// <param name="Repeats">How often the innermost part is repeated at most by counts, one within the other.</param>
internal abstract record Re2Node(int Repeats)
{
    /// <summary>Matches one character of a set.</summary>
    public sealed record One(CodePointSet Set) : Re2Node(1);

    /// <summary>Matches between characters, or not.</summary>
    public sealed record At(Re2Place Place) : Re2Node(1);

    /// <summary>Remembers what its part matches.</summary>
    public sealed record Group(int Number, Re2Node Part) : Re2Node(Part.Repeats);

    /// <summary>Matches its parts one after the other; without parts, nothing.</summary>
    public sealed record Sequence(ImmutableArray<Re2Node> Parts) : Re2Node(MostOf(Parts));

    /// <summary>Matches one of its parts, preferring the first.</summary>
    public sealed record Choice(ImmutableArray<Re2Node> Parts) : Re2Node(MostOf(Parts));

    /// <summary>Matches its part again and again, preferring more, or fewer when lazy.</summary>
    public sealed record Loop(Re2Node Part, int Min, int? Max, bool Lazy)
        : Re2Node(Max is 0 ? 1 : Math.Max(1, Max ?? Min) * Part.Repeats);

    private static int MostOf(ImmutableArray<Re2Node> parts) =>
        parts.Aggregate(1, static (most, p) => Math.Max(most, p.Repeats));
}

/// <summary>Places between characters.</summary>
internal enum Re2Place
{
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}
