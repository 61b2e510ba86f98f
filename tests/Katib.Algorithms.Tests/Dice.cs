namespace Katib.Algorithms.Tests;

/// <summary>Random numbers for generated tests: the seed in the test's name is the reproduction.</summary>
internal sealed class Dice(int seed)
{
    private readonly Philox _philox = new((ulong)seed);
    private ulong _index;

    /// <summary>A number from 0 to <paramref name="bound"/> less 1.</summary>
    public int Below(int bound) => (int)(_philox.Block(_index++, 0).First % (ulong)bound);

    public T OneOf<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    public T[] Shuffled<T>(IEnumerable<T> items) => [.. items.OrderBy(_ => _philox.Block(_index++, 1).First)];
}
