namespace Katib.Driver;

/// <summary>Chance that is the same in every run of one seed.</summary>
internal sealed class Dice(ulong seed)
{
    private readonly Philox _philox = new(Philox.KeyOf(FormattableString.Invariant($"driver {seed}")));
    private ulong _thrown;

    public bool Chance(double probability)
    {
        Span<double> unit = stackalloc double[1];
        _philox.Fill(_thrown++, unit);
        return unit[0] < probability;
    }

    public int Below(int count) => (int)(_philox.Block(_thrown++, 0).First % (ulong)count);

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    public T[] Shuffle<T>(IEnumerable<T> items)
    {
        var shuffled = items.ToArray();
        for (var last = shuffled.Length - 1; last > 0; last--)
        {
            var other = Below(last + 1);
            (shuffled[last], shuffled[other]) = (shuffled[other], shuffled[last]);
        }

        return shuffled;
    }
}
