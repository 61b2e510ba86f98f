using System.Globalization;
using Katib.Algorithms.Sequences;

namespace Katib.Algorithms.Tests;

/// <summary>The rule by itself, over the sequence 1, 2, 3, ... 10.</summary>
public sealed class SequenceRuleTests
{
    private static readonly Study Ten = Given.Study(Given.Int("x", "1", "10"));

    [Fact]
    public void The_reply_starts_at_the_position_and_passes_over_what_is_shown()
    {
        Assert.Equal([1, 2, 3], Next(Ten, 3));
        Assert.Equal([5, 6, 7], Next(Shown(issued: 4), 3));
        Assert.Equal([6, 8, 9], Next(Shown(issued: 4, 1, 5, 7), 3));
    }

    [Fact]
    public void Behind_the_end_come_the_points_that_were_passed_over()
    {
        // Ours are 3 to 9; 1 and 2 were a namesake's when they were due, and its trials are gone.
        Assert.Equal([10, 1, 2], Next(Shown(issued: 9, 3, 4, 5, 6, 7, 8, 9, 3, 3), 3));
    }

    [Fact]
    public void Behind_the_end_as_many_unseen_points_are_passed_over_as_are_hidden()
    {
        // Of 4, 5, 6, 7 and 8, which were due and are not shown, three were issued and are hidden.
        Assert.Equal([7, 8], Next(Shown(issued: 8, 1, 2, 3, 9, 10), 2));
    }

    [Fact]
    public void Hidden_points_are_not_suggested_again()
    {
        Assert.Equal([9, 10, 9], Next(Shown(issued: 8, 1, 2, 4, 5, 6, 8), 3));
    }

    [Fact]
    public void A_reply_that_finds_too_few_points_is_filled_with_its_own()
    {
        Assert.Equal([9, 10, 9, 10, 9], Next(Shown(issued: 8, 1, 2, 3, 4, 5, 6, 7, 8), 5));
    }

    [Fact]
    public void When_a_namesake_has_tried_all_that_is_left_it_is_tried_again_from_the_position_on()
    {
        Assert.Equal([3, 4, 5], Next(Shown(issued: 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 3));
        Assert.Equal([10, 10], Next(Shown(issued: 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 2));
    }

    [Fact]
    public void A_used_up_sequence_starts_over()
    {
        Assert.Equal([1, 2], Next(Shown(issued: 10, 1, 2, 3), 2));
        Assert.Equal([4, 5], Next(Shown(issued: 23, 1, 2, 3), 2));
        Assert.Equal([9, 10, 1, 2], Next(Shown(issued: 18), 4));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2], Next(Shown(issued: 10), 12));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000_000)]
    public void A_long_sequence_is_looked_at_only_where_it_is_needed(int issued)
    {
        var study = Given.Study(Given.Int("x", "1", "4000000"));
        var sequence = new Numbers(4_000_000);
        var trials = Enumerable.Range(issued + 1, 100)
            .Select(i => new Trial($"t{i}", new([i - 1]), TrialStatus.Running, null));

        var suggestions = SequenceRule.Next(
            study with { Issued = issued, Trials = [.. trials] }, study.Space, sequence, 20, CancellationToken.None);

        Assert.Equal(20, suggestions.Length);
        Assert.InRange(sequence.LookedAt, 120, 121);
    }

    [Fact]
    public void Cancelling_ends_a_long_walk()
    {
        var study = Given.Study(Given.Int("x", "1", "4000000"));
        using var source = new CancellationTokenSource();
        var sequence = new Numbers(4_000_000) { Reached = (1000, source.Cancel) };
        var trials = Enumerable.Range(0, 5000).Select(i => new Trial($"t{i}", new([i]), TrialStatus.Running, null));

        _ = Assert.ThrowsAny<OperationCanceledException>(() => SequenceRule.Next(
            study with { Trials = [.. trials] }, study.Space, sequence, 1, source.Token));
        Assert.InRange(sequence.LookedAt, 1000, 1002);
    }

    private static Study Shown(int issued, params int[] values) => Ten with
    {
        Issued = issued,
        Trials = [.. values.Select(static v => new Trial($"t{v}", new([v - 1]), (TrialStatus)(v % 8), null))],
    };

    private static int[] Next(Study study, int count) =>
        [.. SequenceRule.Next(study, study.Space, new Numbers(10), count, CancellationToken.None)
            .Select(static s => int.Parse(s.Assignments[0].Value, CultureInfo.InvariantCulture))];

    private sealed class Numbers(int size) : IPointSequence
    {
        public int LookedAt { get; private set; }

        public (int At, Action Do) Reached { get; init; } = (-1, static () => { });

        public IEnumerable<Point> From(long position)
        {
            for (var i = position; i < size; i++)
            {
                if (++LookedAt == Reached.At)
                {
                    Reached.Do();
                }

                yield return new([i]);
            }
        }
    }
}
