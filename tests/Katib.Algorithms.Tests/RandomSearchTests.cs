using Katib.Algorithms.Random;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Tests;

public sealed class RandomSearchTests
{
    private static readonly RandomSearch Random = new();

    private static readonly Study Continuous = Given.Study(
        Given.Double("lr", "1e-5", "1e-1", "", Distribution.LogUniform),
        Given.Int("layers", "1", "5"),
        Given.Categorical("optimizer", "sgd", "adam"));

    private static readonly Study Finite = Given.Study(
        Given.Categorical("a", "1", "2", "3", "4", "5"),
        Given.Int("b", "1", "4"),
        Given.Double("c", "0.1", "0.3", "0.1"));

    /// <summary>What nobody has a chance to draw: all but two of the eight values lie far out on the normal law.</summary>
    private static readonly Study Skewed = Given.Study(
        Given.Discrete("a", "1", "2", "3", "4", "5", "6", "7", "1e12").Under(Distribution.Normal),
        Given.Discrete("b", "1", "2", "3", "1e9").Under(Distribution.Normal),
        Given.Categorical("c", "x", "y"));

    public static TheoryData<int> Batches => [1, 4, 7];

    [Theory]
    [MemberData(nameof(Batches))]
    public void The_sequence_does_not_depend_on_the_batches(int batch)
    {
        foreach (var study in (Study[])[Continuous, Finite, Skewed])
        {
            var expected = Given.Texts(Random.Ask(study, 56));

            var controller = new Controller(Random, study).Take(batch, times: 56 / batch);

            Assert.Equal(expected, Given.Texts(controller.Issued));
        }
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void Trials_that_are_hidden_change_nothing(int batch)
    {
        foreach (var study in (Study[])[Continuous, Finite, Skewed])
        {
            var expected = Given.Texts(Random.Ask(study, 56));

            var controller = new Controller(Random, study) { Shows = static i => i % 3 is 1 }.Take(batch, times: 56 / batch);

            Assert.Equal(expected, Given.Texts(controller.Issued));
        }
    }

    [Fact]
    public void Trials_of_a_namesake_elsewhere_change_nothing()
    {
        var foreign = Random.Ask(Continuous with { Name = "namesake" }, 30)
            .Select(static s => Given.Trial(Continuous.Space, s, TrialStatus.Succeeded));
        var expected = Given.Texts(Random.Ask(Continuous, 20));

        var controller = new Controller(Random, Continuous) { Leaked = [.. foreign] }.Take(batch: 4, times: 5);

        Assert.Equal(expected, Given.Texts(controller.Issued));
    }

    [Fact]
    public void A_namesakes_trials_are_not_repeated()
    {
        var ahead = Random.Ask(Finite, 30).Where(static (_, i) => i % 4 is 2).ToArray();

        var controller = new Controller(Random, Finite)
        {
            Leaked = [.. ahead.Select(static s => Given.Trial(Finite.Space, s, TrialStatus.Failed))],
        }.Take(batch: 4, times: 13);

        var issued = Given.Texts(controller.Issued);
        Assert.Equal(52, issued.Distinct().Count());
        Assert.Empty(issued.Intersect(Given.Texts(ahead)));
    }

    [Fact]
    public void Deleted_newest_trials_are_suggested_again()
    {
        var expected = Given.Texts(Random.Ask(Finite, 60));
        var controller = new Controller(Random, Finite).Take(batch: 5, times: 4);

        controller.DeleteNewest(7);
        _ = controller.Take(3);
        controller.DeleteNewest(2);
        _ = controller.Take(46);

        Assert.Equal(expected, Given.Texts(controller.Issued));
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void A_finite_space_is_used_up_before_anything_repeats_and_then_starts_over(int batch)
    {
        var controller = new Controller(Random, Finite) { Shows = static i => i % 5 is not 0 };

        _ = controller.Take(batch, times: (60 / batch) + 1);
        var lap = Given.Texts(controller.Issued.Take(60));
        var used = controller.Issued.Count;
        _ = controller.Take(8);

        Assert.Equal(60, lap.Distinct().Count());
        Assert.Equal(Given.Texts(Random.Ask(Finite, 60)), lap);
        Assert.Equal(lap.Concat(lap).Skip(used % 60).Take(8), Given.Texts(controller.Issued.Skip(used)));
    }

    [Fact]
    public void The_last_reply_is_filled_with_points_of_its_own()
    {
        var controller = new Controller(Random, Finite);
        _ = controller.Take(57);

        var last = Given.Texts(controller.Take(7));

        Assert.Equal([.. last[..3], .. last[..3], last[0]], last);
        Assert.Equal(60, Given.Texts(controller.Issued).Distinct().Count());
    }

    [Fact]
    public void More_points_than_there_are_repeat_in_their_order()
    {
        var study = Given.Study(Given.Int("a", "1", "3"));

        var first = Given.Texts(Random.Ask(study, 7));
        var again = Given.Texts(Random.Ask(study with { Issued = 3 }, 7));

        Assert.Equal(first, again);
        Assert.Equal(3, first.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void Every_point_of_a_skewed_space_has_its_turn(int batch)
    {
        var controller = new Controller(Random, Skewed).Take(batch, times: (64 / batch) + 1);

        Assert.Equal(64, Given.Texts(controller.Issued.Take(64)).Distinct().Count());
    }

    /// <summary>The rule in its plainest words: draw k, earlier equals skipped; after 1,000 equals in a row the unseen
    /// point of lowest rank in the seeded permutation.</summary>
    [Fact]
    public void The_sequence_follows_its_definition()
    {
        foreach (var study in (Study[])[Finite, Skewed])
        {
            var key = Philox.KeyOf(study, null);
            var space = study.Space;
            var expected = new List<Point>();
            var permutation = new Permutation(space.Size!.Value, key);
            var equals = 0;
            for (ulong k = 0; expected.Count < space.Size; k++)
            {
                var probabilities = new double[space.Dimension];
                new Philox(key).Fill(k, probabilities);
                var draw = space.Quantile(probabilities);
                equals = expected.Contains(draw) ? equals + 1 : 0;
                if (equals is 0)
                {
                    expected.Add(draw);
                }
                else if (equals is 1000)
                {
                    equals = 0;
                    expected.Add(Enumerable.Range(0, (int)space.Size.Value)
                        .Select(rank => space.PointAt(permutation.At(rank)))
                        .First(p => !expected.Contains(p)));
                }
            }

            var actual = Random.Ask(study, expected.Count);

            Assert.Equal(expected.Select(p => Given.Text(new(space.Format(p)))), Given.Texts(actual));
        }
    }

    [Fact]
    public void Position_k_of_a_continuum_is_draw_k_however_far()
    {
        foreach (var issued in (int[])[0, 5, 20_000, int.MaxValue - 10])
        {
            var probabilities = new double[3];
            new Philox(Philox.KeyOf(Continuous, null)).Fill((ulong)issued, probabilities);
            var expected = Continuous.Space.Format(Continuous.Space.Quantile(probabilities));

            Assert.Equal(expected, Random.Ask(Continuous with { Issued = issued }, 1)[0].Assignments);
        }
    }

    [Fact]
    public void A_used_up_range_of_a_few_doubles_starts_over()
    {
        var study = Given.Study(Given.Double("x", "1", "1.0000000000000004"));

        Assert.Equal(
            ["1.0", "1.0000000000000002", "1.0000000000000004"], Given.Values(Random.Ask(study, 3)).Order(StringComparer.Ordinal));
        Assert.Equal(5, Random.Ask(study with { Issued = 3 }, 5).Length);
    }

    [Fact]
    public void Cancelling_stops_a_long_search_for_rare_points()
    {
        var study = Given.Study(Given.Discrete("a", [.. Enumerable.Range(1, 5000).Select(static i => $"{i}"), "1e15"])
            .Under(Distribution.Normal));
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));

        _ = Assert.ThrowsAny<OperationCanceledException>(() => Random.Suggest(study with { Issued = 5000 }, 1, source.Token));
    }

    /// <summary>The whole search space of the test of Katib's hyperopt image, `katib-facts` 9.1 HO1.</summary>
    [Fact]
    public void Katibs_own_space_is_searched()
    {
        var study = Given.Study(KatibsSpace());
        study = study with
        {
            Issued = 2,
            Trials = [new("a", null, TrialStatus.Created, null), new("b", null, TrialStatus.Created, null)],
        };

        var suggestions = Random.Ask(study, 500);

        Assert.All(suggestions, s => Assert.All(s.Assignments.Zip(KatibsSpace()), static p =>
        {
            var ((name, value), spec) = p;
            Assert.Equal(spec.Name, name);
            if (spec.Type is ParameterType.Double or ParameterType.Int)
            {
                var number = double.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
                Assert.InRange(number, double.Parse(spec.FeasibleSpace.Min, null), double.Parse(spec.FeasibleSpace.Max, null));
                Assert.Equal(spec.Type is ParameterType.Double, value.Contains('.', StringComparison.Ordinal));
            }
            else
            {
                Assert.Contains(value, spec.FeasibleSpace.List);
            }
        }));
    }

    private static IEnumerable<ParameterSpec> KatibsSpace()
    {
        ParameterSpec[] specs =
        [
            Given.Int("", "1", "5"),
            Given.Categorical("", "cat1", "cat2", "cat3"),
            Given.Discrete("", "3", "2", "6"),
            Given.Double("", "1", "5"),
            Given.Double("", "1", "5", "", Distribution.LogUniform),
            Given.Double("", "1", "5", "0.5", Distribution.LogUniform),
            Given.Double("", "5", "10", "", Distribution.Uniform),
            Given.Double("", "5", "10", "0.8", Distribution.Uniform),
            Given.Double("", "5", "10", "", Distribution.Normal),
            Given.Double("", "5", "10", "0.8", Distribution.Normal),
            Given.Double("", "5", "10", "", Distribution.LogNormal),
            Given.Double("", "5", "10", "0.8", Distribution.LogNormal),
            Given.Int("", "1", "5", "", Distribution.Uniform),
            Given.Int("", "1", "5", "0.8", Distribution.Uniform),
            Given.Int("", "5", "10", "", Distribution.LogUniform),
            Given.Int("", "5", "10", "0.01", Distribution.LogUniform),
            Given.Int("", "5", "100", "", Distribution.Normal),
            Given.Int("", "5", "100", "0.01", Distribution.Normal),
            Given.Int("", "32", "64", "", Distribution.LogNormal),
            Given.Int("", "32", "64", "0.01", Distribution.LogNormal),
            Given.Double("", "32", "64", "0.01"),
            Given.Int("", "32", "64", "0.01"),
        ];
        return specs.Select(static (s, i) => s with { Name = $"param-{i + 1}" });
    }
}
