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
