using System.Collections.Immutable;
using Katib.Algorithms.Numerics;
using MathNet.Numerics.Distributions;

namespace Katib.Algorithms.Bayesian;

/// <summary>The Gaussian process of one request, and the points that it picks one after the other.</summary>
internal sealed class Model(
    Study study,
    BayesianSettings settings,
    History history,
    ulong key,
    FitCache fits,
    CancellationToken cancellationToken)
{
    private const int MaxObservations = 1000;
    private const int MaxFitted = 512;

    /// <summary>Above this many results the hyperparameters are fitted anew only when these have grown by a twentieth.</summary>
    private const int AlwaysFitted = 200;
    private const double FitGrowth = 1.05;

    private const int Samples = 64;
    private const int BestObserved = 8;
    private const double NoisyRatio = 0.05;
    private const int MaxRepeats = 3;
    private const double BeliefWeight = 5;

    /// <summary>Of more points whose losses are not known only so many are sampled; all of them are taken.</summary>
    private const int MaxOpen = 64;

    /// <summary>Whether trials fail is learnt from at most so many that did, and as many that did not.</summary>
    private const int MaxLabels = 100;

    /// <summary>
    /// What a reply may cost, in seconds of one core of 2020: half a slow one needs six times as long, and Katib's
    /// controller waits for a minute. What it costs is reckoned and not measured, so that the reply does not depend on it.
    /// </summary>
    private const double MaxSeconds = 4;

    /// <summary>
    /// Every second pick doubts the fitted lengths: a plateau, or results that lie close together, teach too long ones,
    /// and what lies between is never looked at.
    /// </summary>
    private const double DoubtedLengths = 0.6;

    /// <summary>From so many axes or results on every second pick is made near the best point.</summary>
    private const int ManyAxes = 20;
    private const int ManyResults = 500;

    private readonly ModelSpace _space = new(study.Space);
    private readonly SortedSet<string> _fallbacks = new(StringComparer.Ordinal);

    /// <summary>Where less was done than the model stands for, in words that operators see.</summary>
    public IReadOnlyCollection<string> Fallbacks => _fallbacks;

    /// <summary>Picks points after others that are part of the same reply.</summary>
    /// <param name="before">Points of the same reply that are picked already.</param>
    /// <param name="count">How many to pick.</param>
    /// <param name="phantoms">How many to pick first and keep: they stand for points that nobody tells of.</param>
    /// <returns>Fewer where the space is used up, or where as many would take too long.</returns>
    public ImmutableArray<Point> Pick(IReadOnlyCollection<Point> before, int count, int phantoms) =>
        WithProcess((process, results, workspace) => Pick(process, results, workspace, before, count, phantoms));

    /// <summary>The points that seem best, noise disregarded, the best first; for a space that is used up.</summary>
    public ImmutableArray<Point> Repeat(int count) =>
        WithProcess((process, results, _) => [.. process.Best(count).Select(i => results[i].Point).Distinct()]);

    private ImmutableArray<Point> WithProcess(
        Func<GaussianProcess, ImmutableArray<Result>, Workspace, ImmutableArray<Point>> use)
    {
        if (_space.Dimension is 0)
        {
            return [];
        }

        var workspace = fits.Rent();
        try
        {
            workspace.Reserve(history.Results.Length, MaxObservations);
            var hyperparameters = Fit(workspace);
            var results = ActiveSet.Select(_space, history.Results, MaxObservations, hyperparameters);
            var process = GaussianProcess.Given(_space, Observations.Of(_space, results), hyperparameters, workspace);
            Note("assumed_hyperparameters", hyperparameters.IsAssumed);
            Note("active_set", results.Length < history.Results.Length);
            Note("no_model", process is null);
            return process is null ? [] : use(process, results, workspace);
        }
        finally
        {
            fits.Return(workspace);
        }
    }

    private ImmutableArray<Point> Pick(
        GaussianProcess process,
        ImmutableArray<Result> results,
        Workspace workspace,
        IReadOnlyCollection<Point> before,
        int count,
        int phantoms)
    {
        var taken = Taken(process.Hyperparameters);
        taken.UnionWith(before);
        var open = new List<Point>([.. Sampled(process), .. before]);
        var feasibility = Judge(results);
        var region = _space.Dimension >= ManyAxes || history.Results.Length >= ManyResults
            ? TrustRegion.Around(_space, process, history.Results)
            : null;
        var fitted = process.Hyperparameters;
        var spent = 0.0;
        var picks = ImmutableArray.CreateBuilder<Point>();
        while (picks.Count < phantoms + count && spent < MaxSeconds)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var number = study.Issued + before.Count + picks.Count;
            var wanted = number % 2 is 1 ? fitted.WithLengthsTimes(DoubtedLengths) : fitted;
            if (wanted != process.Hyperparameters)
            {
                process = GaussianProcess.Given(_space, process.Observations, wanted, workspace) ?? process;
                spent += SecondsPerModel(results.Length);
            }

            // Where the doubted lengths had their turn, a category that was neglected has its own.
            var held = number % 2 is 0 ? Category.Neglected(_space, history, process, open) : null;
            var search = new AcquisitionSearch(
                study.Space,
                _space,
                process,
                Acquire(process, results, workspace, feasibility, open, held),
                number % 2 is 0 && held is null ? region : null,
                taken,
                held,
                new(Philox.KeyOf($"{key} pick {number}")),
                cancellationToken);
            if (search.Best() is not { } pick)
            {
                break;
            }

            spent += search.Judged * SecondsPerPoint(results.Length, _space.Dimension, open.Count);
            picks.Add(pick);
            open.Add(pick);
            _ = taken.Add(pick);
        }

        Note("work_budget", picks.Count < phantoms + count && spent >= MaxSeconds);
        return [.. picks.Skip(phantoms)];
    }

    private void Note(string fallback, bool isTaken)
    {
        if (isTaken)
        {
            _ = _fallbacks.Add(fallback);
        }
    }

    /// <summary>
    /// What it costs to judge a point: a product with the inverse, distances to results and failures, samples.
    /// </summary>
    private double SecondsPerPoint(double observations, int axes, int open)
    {
        const double PerProduct = 5e-11;
        const double PerDistance = 1e-9;
        const double PerSample = 1e-8;
        var distances = (observations + Math.Min(history.Failures.Length, 2 * MaxLabels)) * (axes + 5);
        return (PerProduct * observations * (observations + open)) + (PerDistance * distances)
            + (PerSample * Samples * (1 + (open / 16.0)));
    }

    /// <summary>What it costs to condition the process anew: a factorisation and an inverse.</summary>
    private static double SecondsPerModel(double observations) => 2.5e-11 * observations * observations * observations;

    /// <summary>A model of where trials fail, from the newest failures and results; null where none has failed.</summary>
    private Feasibility? Judge(ImmutableArray<Result> results)
    {
        if (history.Failures.IsEmpty)
        {
            return null;
        }

        var labels = Observations.Labels(
            _space,
            [.. results.TakeLast(MaxLabels).Select(static r => r.Point)],
            [.. history.Failures.TakeLast(MaxLabels)]);
        var workspace = new Workspace();
        var hyperparameters = Fit(labels, workspace);
        return GaussianProcess.Given(_space, labels, hyperparameters, workspace) is { } process ? new(process) : null;
    }

    /// <summary>Points whose trials run: of very many only those where a good loss is most likely.</summary>
    private IEnumerable<Point> Sampled(GaussianProcess process) =>
        history.Pending.Length <= MaxOpen
            ? history.Pending
            : history.Pending.Zip(process.MeansAt(new(_space, history.Pending))).OrderBy(static p => p.Second)
                .Take(MaxOpen).Select(static p => p.First);

    private Hyperparameters Fit(Workspace workspace)
    {
        var count = history.Results.Length;
        var fitted = AlwaysFitted;
        for (var size = (double)AlwaysFitted; Math.Ceiling(size) <= count; size *= FitGrowth)
        {
            fitted = (int)Math.Ceiling(size);
        }

        var results = history.Results[..Math.Min(count, count <= AlwaysFitted ? count : fitted)];
        var observations = Observations.Of(
            _space, ActiveSet.Select(_space, results, MaxFitted, Hyperparameters.PriorMode(_space.Dimension)));
        return Fit(observations, workspace);
    }

    private Hyperparameters Fit(Observations observations, Workspace workspace) => fits.Get(_space, observations, () =>
    {
        using var fitting = study.Fitting?.Invoke();
        return HyperparameterFit.Run(_space, observations, workspace, cancellationToken);
    });

    private HashSet<Point> Taken(Hyperparameters hyperparameters)
    {
        var taken = new HashSet<Point>(history.Taken);
        if (settings.AllowDuplicates && hyperparameters.Noise > NoisyRatio * hyperparameters.Signal)
        {
            var closed = history.Pending.Concat(history.Failures).ToHashSet();
            taken.ExceptWith(history.Results.GroupBy(static r => r.Point)
                .Where(g => g.Count() < MaxRepeats && !closed.Contains(g.Key)).Select(static g => g.Key));
        }

        return taken;
    }

    private Acquisition Acquire(
        GaussianProcess process,
        ImmutableArray<Result> results,
        Workspace workspace,
        Feasibility? feasibility,
        List<Point> open,
        Category? held)
    {
        // A category that is held competes with itself: an improvement is one over the best that it has.
        var unknown = held is { } category ? open.FindAll(p => category.Has(p, _space)) : open;
        var seen = unknown.ToHashSet();
        List<Point> sampled = [.. unknown, .. process.Best(BestObserved, held).Select(i => results[i].Point).Where(seen.Add)];
        return new(
            _space,
            process,
            settings.Acquisition,
            feasibility,
            new(_space, sampled),
            Normals(sampled.Count),
            BeliefWeight / history.Results.Length,
            workspace);
    }

    /// <summary>Standard normal numbers that fill their space evenly.</summary>
    private Matrix Normals(int dimension)
    {
        var normals = new Matrix(dimension, dimension is 0 ? 0 : Samples);
        var sobol = new SobolSequence(dimension, Philox.KeyOf($"{key} fantasies"));
        var probabilities = new double[dimension];
        for (var s = 0; s < normals.Columns; s++)
        {
            sobol.Fill(s, probabilities);
            for (var b = 0; b < dimension; b++)
            {
                normals[b, s] = Normal.InvCDF(0, 1, probabilities[b]);
            }
        }

        return normals;
    }
}
