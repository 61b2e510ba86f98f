using System.Globalization;

namespace Inpainting;

/// <summary>One handwritten digit: the upper half is seen, the lower half is to be guessed.</summary>
/// <param name="Upper">32 pixels from 0 to 1, row by row.</param>
/// <param name="Lower">32 pixels from 0 to 1, row by row.</param>
internal sealed record Image(float[] Upper, float[] Lower)
{
    /// <summary>What a pixel of 1 is in the data.</summary>
    public const float Levels = 16;

    /// <summary>How many pixels each half has.</summary>
    public const int HalfSize = 32;

    /// <summary>Reads lines of 64 pixels from 0 to 16 and a label, which is left out.</summary>
    public static Image[] Read(string path) => [.. File.ReadLines(path).Select(static line =>
    {
        var pixels = line.Split(',').Take(2 * HalfSize)
            .Select(static p => float.Parse(p, CultureInfo.InvariantCulture) / Levels).ToArray();
        return new Image(pixels[..HalfSize], pixels[HalfSize..]);
    })];
}
