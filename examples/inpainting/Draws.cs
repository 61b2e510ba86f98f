namespace Inpainting;

/// <summary>Random draws that are the same in every run: SplitMix64 (Steele, Lea and Flood, 2014).</summary>
internal struct Draws(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A number from 0 up to 1.</summary>
    public float Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var bits = _state;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return ((bits ^ (bits >> 31)) >> 40) * (1f / (1 << 24));
    }

    /// <summary>Puts items in any order (Fisher and Yates).</summary>
    public void Shuffle<T>(List<T> items)
    {
        for (var i = items.Count - 1; i > 0; i--)
        {
            var j = (int)(Next() * (i + 1));
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
