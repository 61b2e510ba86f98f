using System.Collections.Immutable;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Random;

namespace Katib.Benchmarks.SideBySide;

/// <summary>Where optimisers come from.</summary>
internal static class Optimizers
{
    /// <summary>The algorithms that are served in this process.</summary>
    private static readonly ImmutableSortedDictionary<string, Func<ISearchAlgorithm>> Ours =
        new Dictionary<string, Func<ISearchAlgorithm>>(StringComparer.Ordinal)
        {
            ["bayesianoptimization"] = static () => new BayesianOptimization(),
            ["random"] = static () => new RandomSearch(),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>What <c>--optimizer</c> may name.</summary>
    public static string Names { get; } = string.Join(", ", [.. Ours.Keys, .. PeerOptimizer.All.Keys]);

    /// <summary>The names of the options that <see cref="CreateAsync"/> reads.</summary>
    public static ImmutableArray<string> Options { get; } =
        ["--optimizer", "--service", "--url", "--algorithm", "--set", "--peer", "--python", "--label"];

    /// <summary>What the optimiser is called in tables and files.</summary>
    public static string NameOf(QualityOptions options) =>
        options.One("--label") ?? options.One("--optimizer") ?? options.One("--algorithm") ?? "bayesianoptimization";

    /// <summary>The optimiser that the options name: a program, a server, an algorithm of ours or a peer.</summary>
    public static async Task<IOptimizer> CreateAsync(QualityOptions options)
    {
        var settings = options.Pairs("--set");
        var algorithm = options.One("--algorithm") ?? options.One("--optimizer") ?? "bayesianoptimization";
        if (options.One("--service") is { } program)
        {
            return await KatibOptimizer.StartAsync(program, algorithm, settings);
        }

        if (options.One("--url") is { } url)
        {
            return KatibOptimizer.At(new(url), algorithm, settings);
        }

        var name = options.One("--optimizer")
            ?? throw new ArgumentException("--optimizer, --service or --url is missing.");
        if (Ours.TryGetValue(name, out var create))
        {
            return await KatibOptimizer.ServeAsync(name, create(), settings);
        }

        return PeerOptimizer.All.ContainsKey(name)
            ? Peer(name, options)
            : throw new ArgumentException($"There is no optimiser '{name}'; there are {Names}.");
    }

    /// <summary>Starts scikit-optimize when the options say where it lies.</summary>
    public static PeerOptimizer? ScikitOptimize(QualityOptions options) =>
        PathOf(options, "skopt") is null ? null : Peer("skopt", options);

    private static PeerOptimizer Peer(string name, QualityOptions options)
    {
        var library = PeerOptimizer.All[name].Library;
        var path = PathOf(options, library)
            ?? throw new ArgumentException($"--peer {library}=PATH is missing: what is to stand in PYTHONPATH.");
        return PeerOptimizer.Start(name, options.One("--python") ?? "python3", path);
    }

    private static string? PathOf(QualityOptions options, string library) =>
        options.Pairs("--peer").FirstOrDefault(p => p.Key == library).Value;
}
