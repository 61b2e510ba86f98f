using Katib.Algorithms.Bayesian;
using Katib.Algorithms.Grid;
using Katib.Algorithms.Random;

namespace Katib.Algorithms.Tests;

public sealed class RandomSearchConformance : SearchAlgorithmConformance
{
    protected override ISearchAlgorithm Algorithm { get; } = new RandomSearch();

    protected override string Name => "random";

    protected override bool SearchesContinua => true;
}

public sealed class GridSearchConformance : SearchAlgorithmConformance
{
    protected override ISearchAlgorithm Algorithm { get; } = new GridSearch();

    protected override string Name => "grid";

    protected override bool SearchesContinua => false;
}

public sealed class BayesianOptimizationConformance : SearchAlgorithmConformance
{
    protected override ISearchAlgorithm Algorithm { get; } = new BayesianOptimization();

    protected override string Name => "bayesianoptimization";

    protected override bool SearchesContinua => true;
}
