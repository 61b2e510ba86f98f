using System.Collections.Immutable;
using System.Net;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.EarlyStopping;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using Katib.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Katib.Cli;

/// <summary>The algorithms that <c>katib</c> carries along, so that no service need run.</summary>
internal static class Algorithms
{
    /// <summary>By the name that experiments use.</summary>
    public static ImmutableSortedDictionary<string, (ISearchAlgorithm Algorithm, string Summary)> All { get; } =
        new Dictionary<string, (ISearchAlgorithm, string)>(StringComparer.Ordinal)
        {
            ["bayesianoptimization"] = (
                new BayesianOptimization(), "learns where improvement is likely; the most of few trials that take long"),
            ["grid"] = (new GridSearch(), "every combination once; doubles need a step or grid_points"),
            ["random"] = (new RandomSearch(), "independent draws from the distributions, none twice; a strong baseline"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The rules for ending trials early, likewise.</summary>
    public static ImmutableSortedDictionary<string, (IStoppingRule Rule, string Summary)> StoppingRules { get; } =
        new Dictionary<string, (IStoppingRule, string)>(StringComparer.Ordinal)
        {
            ["asha"] = (new SuccessiveHalving(), "keeps the best of each few trials at every rung; the most for long trainings"),
            ["medianstop"] = (new MedianStop(), "gives up what is worse than the median of others at the same step"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Serves an algorithm, or a rule, on a free loopback port: the same gRPC service as in its container.</summary>
    public static async Task<(WebApplication Service, Uri Endpoint)> ServeAsync(
        string name, Action<ILoggingBuilder> log, CancellationToken cancellationToken)
    {
        var endpoint = new IPEndPoint(IPAddress.Loopback, 0);
        var service = StoppingRules.TryGetValue(name, out var rule)
            ? StoppingHost.Build(endpoint, log, (name, rule.Rule))
            : SuggestionHost.Build(name, All[name].Algorithm, endpoint, log);
        await service.StartAsync(cancellationToken);
        return (service, new(service.Urls.Single()));
    }
}
