using System.Numerics;

namespace Katib;

/// <summary>Every point of a finite space has been suggested, and the algorithm repeats none.</summary>
public sealed class SpaceUsedUpException(BigInteger size)
    : Exception($"all {size} combinations are suggested; set maxTrialCount to {size}");
