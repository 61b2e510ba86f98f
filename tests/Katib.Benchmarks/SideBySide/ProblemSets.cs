using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>The problems: some to tune with, others to judge by.</summary>
/// <remarks>
/// A default of an algorithm may be chosen on <see cref="Tune"/>. <see cref="Judge"/> says what the choice is worth and
/// is for nothing else: a change that was made because of it makes it worthless. No function with the same shift is in
/// both.
/// </remarks>
internal static class ProblemSets
{
    /// <summary>The tables of the folder <c>Tables</c>, each of which says what it is for.</summary>
    private static readonly ImmutableArray<TableProblem> Tables = [.. ReadTables()];

    /// <summary>To choose defaults by.</summary>
    public static ImmutableArray<TestProblem> Tune { get; } =
    [
        SyntheticProblem.Moved("tune-camel-2", Landscapes.Camel, [(-3, 3), (-2, 2)], around: [0, 0]),
        SyntheticProblem.Moved("tune-hartmann-3", Landscapes.Hartmann3, 3, 0, 1, around: Landscapes.Hartmann3Optimum),
        SyntheticProblem.Moved("tune-hartmann-6", Landscapes.Hartmann6, 6, 0, 1, around: Landscapes.HartmannOptimum),
        SyntheticProblem.Moved("tune-rosenbrock-8", Landscapes.Rosenbrock, 8, -5, 10),
        SyntheticProblem.Moved("tune-ellipsoid-5", Landscapes.Ellipsoid, 5, -5, 5),
        SyntheticProblem.Moved("tune-levy-6", Landscapes.Levy, 6, -10, 10),
        SyntheticProblem.Moved("tune-ackley-8", Landscapes.Ackley, 8, -15, 15),
        SyntheticProblem.Moved("tune-griewank-4", Landscapes.Griewank, 4, -20, 20, rotated: true),
        SyntheticProblem.Moved("tune-styblinskitang-4", Landscapes.StyblinskiTang, 4, -5, 5),
        Mixed("tune-mixed-6", reals: 2, choices: 3, wholes: 1),
        Training("tune-training-5", withDropout: false),
        SyntheticProblem.Moved("tune-noisy-branin-2", Landscapes.Branin, [(-5, 10), (0, 15)], around: [Math.PI, 2.275])
            .WithNoise(30),
        SyntheticProblem.Moved("tune-failing-rosenbrock-3", Landscapes.Rosenbrock, 3, -2, 2, around: [0.4, 0.4, 0.4])
            .FailingUnless(static x => x[0] + x[1] <= 2),
        Stepped("tune-stepped-4", dimension: 4),
        Bbob("attractivesector", 6, 1),
        Bbob("stepellipsoid", 10, 1),
        Bbob("bentcigar", 20, 1),
        Bbob("weierstrass", 3, 1),
        .. Tables.Where(static t => t.IsForTuning),
    ];

    /// <summary>To judge by.</summary>
    public static ImmutableArray<TestProblem> Judge { get; } =
    [
        SyntheticProblem.Moved("judge-branin-2", Landscapes.Branin, [(-5, 10), (0, 15)], around: [Math.PI, 2.275]),
        SyntheticProblem.Moved("judge-hartmann-6", Landscapes.Hartmann6, 6, 0, 1, around: Landscapes.HartmannOptimum),
        SyntheticProblem.Moved("judge-rosenbrock-5", Landscapes.Rosenbrock, 5, -5, 10),
        SyntheticProblem.Moved("judge-ellipsoid-8", Landscapes.Ellipsoid, 8, -5, 5, rotated: true),
        SyntheticProblem.Moved("judge-levy-10", Landscapes.Levy, 10, -10, 10),
        SyntheticProblem.Moved("judge-ackley-5", Landscapes.Ackley, 5, -15, 15),
        SyntheticProblem.Moved("judge-rastrigin-3", Landscapes.Rastrigin, 3, -2.5, 2.5, rotated: true),
        SyntheticProblem.Moved("judge-styblinskitang-8", Landscapes.StyblinskiTang, 8, -5, 5),
        Mixed("judge-mixed-8", reals: 3, choices: 4, wholes: 2),
        Training("judge-training-6", withDropout: true),
        SyntheticProblem
            .Moved("judge-noisy-hartmann-3", Landscapes.Hartmann3, 3, 0, 1, around: Landscapes.Hartmann3Optimum)
            .WithNoise(0.386),
        SyntheticProblem
            .Moved(
                "judge-failing-levy-4",
                Landscapes.Levy,
                [(0, 1), (-8, 8), (-8, 8), (-8, 8)],
                around: [0.48, 1, 1, 1])
            .FailingUnless(static x => x[0] <= 0.6),
        Stepped("judge-stepped-6", dimension: 6),
        Gallagher("judge-gallagher-4", 4),
        Bbob("sharpridge", 20, 101),
    ];

    /// <summary>Real tasks to judge by.</summary>
    public static ImmutableArray<TestProblem> JudgeTables { get; } = [.. Tables.Where(static t => !t.IsForTuning)];

    /// <summary>What single claims are about: problems as above, but a fifth of the trials fails.</summary>
    public static ImmutableArray<TestProblem> Checks { get; } =
    [
        SyntheticProblem.Moved("judge-rosenbrock-5", Landscapes.Rosenbrock, 5, -5, 10)
            .WithFailingShare("check-rosenbrock-5-failing", 0.2),
        SyntheticProblem.Moved("judge-hartmann-6", Landscapes.Hartmann6, 6, 0, 1, around: Landscapes.HartmannOptimum)
            .WithFailingShare("check-hartmann-6-failing", 0.2),
    ];

    /// <summary>The problems that a word stands for: a set, a name, or <c>bbob-FAMILY-DIMENSION-INSTANCE</c>.</summary>
    public static ImmutableArray<TestProblem> Find(string word) => word switch
    {
        "tune" => Tune,
        "judge" => [.. Judge, .. JudgeTables],
        "judge-synthetic" => Judge,
        "judge-real" => JudgeTables,
        "checks" => Checks,
        _ when All().FirstOrDefault(p => p.Name == word) is { } one => [one],
        _ when word.Split('-') is ["bbob", var family, var dimension, var instance]
            && Landscapes.Families.ContainsKey(family)
            && int.TryParse(dimension, CultureInfo.InvariantCulture, out var d) && d >= 2
            && int.TryParse(instance, CultureInfo.InvariantCulture, out var i) => [Bbob(family, d, i)],
        _ => throw new ArgumentException($"There is no problem '{word}'."),
    };

    /// <summary>A function of BBOB's families between -5 and 5; shift, rotation and level come from its name.</summary>
    public static SyntheticProblem Bbob(string family, int dimension, int instance) => SyntheticProblem.Moved(
        FormattableString.Invariant($"bbob-{family}-{dimension}-{instance}"),
        Landscapes.Families[family],
        dimension,
        -5,
        5,
        rotated: true);

    private static TestProblem[] All() => [.. Tune, .. Judge, .. JudgeTables, .. Checks];

    private static SyntheticProblem Gallagher(string name, int dimension) => SyntheticProblem.Moved(
        name, Landscapes.Gallagher(dimension, 21, new($"{name} peaks")), dimension, -5, 5, rotated: true);

    /// <summary>
    /// Real and whole numbers, a list of numbers and two choices. The first choice moves the optimum of everything else
    /// and one of its values is a trap: wider than the best, but not as deep. The second only adds.
    /// </summary>
    private static SyntheticProblem Mixed(string name, int reals, int choices, int wholes)
    {
        var draws = new Draws(name);
        string[] sizes = ["1", "2", "4", "8", "16", "32"];
        var order = Enumerable.Range(0, choices).OrderBy(_ => draws.Uniform()).ToArray();
        var (best, trap) = (order[0], order[1]);
        var level = new double[choices];
        var width = new double[choices];
        var centre = new double[choices][];
        for (var k = 0; k < choices; k++)
        {
            level[k] = k == best ? 0 : k == trap ? 0.25 : draws.Uniform(0.4, 1);
            width[k] = k == best ? 1 : k == trap ? 0.4 : draws.Uniform(0.5, 1.5);
            centre[k] =
            [
                .. Enumerable.Range(0, reals).Select(_ => draws.Uniform(-4, 4)),
                .. Enumerable.Range(0, wholes).Select(_ => (double)(3 + draws.Below(15))),
                draws.Below(sizes.Length),
            ];
        }

        double[] added = [.. Enumerable.Range(0, 3).Select(_ => draws.Uniform(0.05, 0.3))];
        var plain = draws.Below(added.Length);
        added[plain] = 0;
        var numbers = reals + wholes + 1;
        double? Loss(ReadOnlySpan<double> x)
        {
            var k = (int)x[numbers];
            var distance = 0.0;
            for (var i = 0; i < numbers; i++)
            {
                var apart = (i == numbers - 1 ? Math.Log2(x[i]) : x[i]) - centre[k][i];
                var unit = apart / (i < reals ? 2.5 : i < numbers - 1 ? 6 : 2);
                distance += unit * unit;
            }

            var basin = 2 * (1 - Math.Exp(-width[k] * distance / 2));
            return level[k] + basin + (0.05 * distance) + added[(int)x[numbers + 1]];
        }

        return new(
            name,
            [
                .. Enumerable.Range(1, reals).Select(static i => SyntheticProblem.Real($"x{i}", -5, 5)),
                .. Enumerable.Range(1, wholes).Select(static i => SyntheticProblem.Whole($"n{i}", 1, 20)),
                SyntheticProblem.Listed("size", [.. sizes]),
                SyntheticProblem.Choice(
                    "kind", [.. Enumerable.Range(0, choices).Select(static k => $"{(char)('a' + k)}")]),
                SyntheticProblem.Choice("mode", "plain", "fast", "safe"),
            ],
            Loss,
            [.. centre[best].AsSpan(0, numbers - 1), Math.Pow(2, centre[best][^1]), best, plain]);
    }

    /// <summary>
    /// What tuning the training of a network looks like: a narrow valley of rate against batch size on logarithmic
    /// scales, a plateau of chance beyond a rate that diverges, and parameters of little weight.
    /// </summary>
    private static SyntheticProblem Training(string name, bool withDropout)
    {
        var draws = new Draws(name);
        string[] batches = ["16", "32", "64", "128", "256"];
        var rate = draws.Uniform(-3.6, -2);
        var decay = draws.Uniform(-6, -2.5);
        var batch = draws.Below(batches.Length);
        var momentum = draws.Uniform(0.5, 0.95);
        var units = Math.Round(Math.Pow(2, draws.Uniform(5, 9)));
        var dropout = draws.Uniform(0.1, 0.5);
        double? Loss(ReadOnlySpan<double> x)
        {
            var slow = Math.Log10(x[0]) - rate;
            var noise = (Math.Log2(x[2]) - 4 - batch) * Math.Log10(2);
            var late = (x[3] - momentum) / 0.3;
            var valley = slow - (0.8 * noise) + (0.5 * late);
            var wide = Math.Log2(x[4] / units);
            var distance = (2 * valley * valley) + (0.3 * noise * noise) + (0.3 * late * late)
                + (0.15 * Math.Pow(Math.Log10(x[1]) - decay, 2)) + (0.08 * wide * wide);
            if (withDropout)
            {
                distance += 2 * Math.Pow(x[5] - dropout, 2);
            }

            return slow > 1.2 + (0.2 * noise) ? 0.9 : 0.9 - (0.85 * Math.Exp(-distance));
        }

        return new(
            name,
            [
                SyntheticProblem.Real("rate", 1e-6, 1, distribution: Distribution.LogUniform),
                SyntheticProblem.Real("decay", 1e-8, 0.1, distribution: Distribution.LogUniform),
                SyntheticProblem.Listed("batch", [.. batches]),
                SyntheticProblem.Real("momentum", 0, 0.99),
                SyntheticProblem.Whole("units", 8, 1024, distribution: Distribution.LogUniform),
                .. withDropout ? (ParameterSpec[])[SyntheticProblem.Real("dropout", 0, 0.8)] : [],
            ],
            Loss,
            [
                Math.Pow(10, rate), Math.Pow(10, decay), Math.Pow(2, 4 + batch), momentum, units,
                .. withDropout ? (double[])[dropout] : [],
            ]);
    }

    /// <summary>A coarse grid of stepped and whole numbers: Rastrigin's valleys on an ellipsoid.</summary>
    private static SyntheticProblem Stepped(string name, int dimension)
    {
        var draws = new Draws(name);
        double[] optimum =
        [
            .. Enumerable.Range(0, dimension)
                .Select(i => i % 2 is 0 ? -2 + (0.25 * (2 + draws.Below(13))) : 2 + draws.Below(27)),
        ];
        double? Loss(ReadOnlySpan<double> x)
        {
            var sum = 0.0;
            for (var i = 0; i < dimension; i++)
            {
                var z = (x[i] - optimum[i]) * (i % 2 is 0 ? 1 : 0.125);
                sum += Math.Pow(20, (double)i / (dimension - 1)) * z * z;
                sum += 1 - Math.Cos(2 * Math.PI * z);
            }

            return 3 + sum;
        }

        return new(
            name,
            [
                .. Enumerable.Range(0, dimension).Select(static i => i % 2 is 0
                    ? SyntheticProblem.Real($"x{i + 1}", -2, 2, "0.25")
                    : SyntheticProblem.Whole($"x{i + 1}", 0, 30)),
            ],
            Loss,
            optimum);
    }

    private static IEnumerable<TableProblem> ReadTables()
    {
        var folder = Path.Combine(Repository.Folder, "tests", "Katib.Benchmarks", "SideBySide", "Tables");
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*.csv").Order(StringComparer.Ordinal).Select(TableProblem.Load)
            : [];
    }
}
