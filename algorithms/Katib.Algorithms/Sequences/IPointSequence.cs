namespace Katib.Algorithms.Sequences;

/// <summary>A fixed sequence of distinct points: all of a finite space, or endless in one that is not.</summary>
internal interface IPointSequence
{
    /// <summary>The sequence from the given position on.</summary>
    IEnumerable<Point> From(long position);
}
