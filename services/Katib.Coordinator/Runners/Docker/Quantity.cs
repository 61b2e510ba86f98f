using System.Globalization;

namespace Katib.Coordinator.Runners.Docker;

/// <summary>Kubernetes' way to write amounts: 500m, 1.5, 128Mi, 2e9.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, decimal Factor)[] Suffixes =
    [
        ("Ki", 1024m), ("Mi", 1024m * 1024), ("Gi", 1024m * 1024 * 1024), ("Ti", 1024m * 1024 * 1024 * 1024),
        ("m", 0.001m), ("k", 1e3m), ("M", 1e6m), ("G", 1e9m), ("T", 1e12m),
    ];

    /// <summary>The amount; null when the text is none, is negative or is beyond reason.</summary>
    public static decimal? Parse(string text)
    {
        var (suffix, factor) = Suffixes.FirstOrDefault(s => text.EndsWith(s.Suffix, StringComparison.Ordinal));
        var digits = suffix is null ? text : text[..^suffix.Length];
        var isNumber = decimal.TryParse(
            digits,
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out var number);
        return isNumber && number is >= 0 and < 1e15m ? number * (suffix is null ? 1 : factor) : null;
    }
}
