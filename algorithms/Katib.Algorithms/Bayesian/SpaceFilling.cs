using Katib.Algorithms.Numerics;
using Katib.Algorithms.Random;

namespace Katib.Algorithms.Bayesian;

/// <summary>Draws that fill a space evenly: its middle first, then Sobol's sequence, scrambled.</summary>
internal static class SpaceFilling
{
    /// <summary>The draws of a key.</summary>
    public static DistinctDraws.Draw Draws(SearchSpace space, ulong key)
    {
        var sobol = new SobolSequence(space.Dimension, key);
        return (index, probabilities) =>
        {
            if (index is 0)
            {
                probabilities.Fill(0.5);
            }
            else
            {
                sobol.Fill((long)index - 1, probabilities);
            }
        };
    }
}
