using System.Collections.Immutable;

namespace Katib.Benchmarks.SideBySide;

/// <summary>One trial of a run.</summary>
/// <param name="number">Its number in the order in which points were suggested, from 0.</param>
/// <param name="point">Where it lies.</param>
internal sealed class RunTrial(int number, ImmutableArray<Assignment> point)
{
    public int Number { get; } = number;

    public ImmutableArray<Assignment> Point { get; } = point;

    /// <summary>What came of it; null while it runs.</summary>
    public Outcome? Outcome { get; set; }
}

/// <summary>What is known in a run.</summary>
internal sealed class RunHistory
{
    /// <summary>How many of the first trials were given, and not suggested in the run.</summary>
    public int Given { get; set; }

    /// <summary>All trials by their number.</summary>
    public List<RunTrial> Trials { get; } = [];

    /// <summary>Those that have ended, in that order.</summary>
    public List<RunTrial> Ended { get; } = [];
}

/// <summary>Something that suggests points, for one run at a time.</summary>
internal interface IOptimizer : IAsyncDisposable
{
    /// <summary>What and which version it is, once a run has begun.</summary>
    string Version { get; }

    /// <summary>How long it has taken to suggest since the run began.</summary>
    double Seconds { get; }

    /// <summary>Begins a run; whatever was before is forgotten.</summary>
    /// <param name="problem">What is to be minimised.</param>
    /// <param name="seed">The number of the run.</param>
    /// <param name="parallel">How many trials run at once.</param>
    Task BeginAsync(TestProblem problem, int seed, int parallel);

    /// <summary>Asks for so many more points.</summary>
    Task<ImmutableArray<ImmutableArray<Assignment>>> AskAsync(RunHistory history, int count);
}
