using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Katib.Algorithms.Bayesian;

/// <summary>The last few fits, by the content that they were made of: they save time and change nothing.</summary>
internal sealed class FitCache
{
    private const int MaxEntries = 8;

    private readonly Lock _lock = new();
    private readonly LinkedList<(string Key, Hyperparameters Fit)> _entries = new();
    private Workspace? _spare;

    /// <summary>The fit of observations, made anew where it is not among the last ones.</summary>
    public Hyperparameters Get(ModelSpace space, Observations observations, Func<Hyperparameters> fit)
    {
        var key = KeyOf(space, observations);
        lock (_lock)
        {
            foreach (var (known, found) in _entries)
            {
                if (known == key)
                {
                    return found;
                }
            }
        }

        var made = fit();
        lock (_lock)
        {
            _entries.AddFirst((key, made));
            if (_entries.Count > MaxEntries)
            {
                _entries.RemoveLast();
            }
        }

        return made;
    }

    /// <summary>Memory for one call; to be given back.</summary>
    public Workspace Rent() => Interlocked.Exchange(ref _spare, null) ?? new();

    /// <summary>Takes memory back for the next call.</summary>
    public void Return(Workspace workspace) => _spare = workspace;

    private static string KeyOf(ModelSpace space, Observations observations)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var axis in space.Axes)
        {
            hash.AppendData([axis.IsCategorical ? (byte)1 : (byte)0]);
        }

        for (var i = 0; i < observations.Count; i++)
        {
            hash.AppendData(MemoryMarshal.AsBytes(observations.Sites.Units.Row(i)));
        }

        hash.AppendData(MemoryMarshal.AsBytes(observations.Values.AsSpan()));
        hash.AppendData(MemoryMarshal.AsBytes(observations.NoiseFactors.AsSpan()));
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
