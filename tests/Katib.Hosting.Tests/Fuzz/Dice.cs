namespace Katib.Hosting.Tests.Fuzz;

/// <summary>Random numbers for generated tests: the seed is the reproduction.</summary>
internal sealed class Dice(ulong seed)
{
    private readonly Philox _philox = new(seed);
    private ulong _thrown;

    public ulong Bits => _philox.Block(_thrown++, 0).First;

    /// <summary>A number from 0 to <paramref name="bound"/> less 1.</summary>
    public int Below(int bound) => (int)(Bits % (ulong)bound);

    /// <summary>True once in so many times.</summary>
    public bool OneIn(int times) => Below(times) is 0;

    public T OneOf<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    public byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (byte)Bits)];
}
