using System.Globalization;
using Google.Protobuf;
using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>A hundred experiments on one instance at once, none of which may notice another.</summary>
public sealed class InterleavingTests
{
    private const int Experiments = 100;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("random", 8)]
    [InlineData("grid", 8)]
    [InlineData("bayesianoptimization", 4)]
    public async Task Each_gets_the_bytes_that_an_instance_of_its_own_gives(string algorithm, int rounds)
    {
        await using var shared = await KestrelReplica.StartAsync(algorithm, Algorithm(algorithm), Token);

        var together = await Task.WhenAll(Enumerable.Range(0, Experiments).Select(i => RunAsync(shared, algorithm, i, rounds)));
        var alone = new List<ByteString[]>();
        for (var i = 0; i < Experiments; i++)
        {
            await using var own = await KestrelReplica.StartAsync(algorithm, Algorithm(algorithm), Token);
            alone.Add(await RunAsync(own, algorithm, i, rounds));
        }

        Assert.Equal(alone, together);
        Assert.True(together.Select(static replies => replies[^1]).Distinct().Count() > Experiments / 2);
    }

    /// <summary>An experiment from its first point on, each trial with a loss of its own.</summary>
    private static async Task<ByteString[]> RunAsync(KestrelReplica service, string algorithm, int number, int rounds)
    {
        // Every second one has the name of another: names are no identities.
        var experiment = Experiment(
            algorithm,
            Real("a", "0", (1 + (number % 7)).ToString(CultureInfo.InvariantCulture), "0.01"),
            Whole("b", "1", (5 + (number % 11)).ToString(CultureInfo.InvariantCulture)),
            Categorical("c", "x", "y", $"z{number}"));
        experiment.Name = $"study-{number / 2}";
        _ = algorithm is "bayesianoptimization" ? experiment.With("n_initial_points", "3") : experiment;

        var trials = new List<Wire.Trial>();
        var replies = new List<ByteString>();
        for (var round = 0; round < rounds; round++)
        {
            var reply = await service.Client.GetSuggestionsAsync(Ask(experiment, 2, trials), cancellationToken: Token);
            replies.Add(reply.ToByteString());
            foreach (var trial in TrialsOf(reply, trials.Count).ToArray())
            {
                trial.Status = Succeeded(((number * 31) + (trials.Count * 17)) % 100 / 100.0);
                trials.Add(trial);
            }
        }

        return [.. replies];
    }

    private static ISearchAlgorithm Algorithm(string name) => name switch
    {
        "grid" => new GridSearch(),
        "random" => new RandomSearch(),
        _ => new BayesianOptimization(),
    };
}
