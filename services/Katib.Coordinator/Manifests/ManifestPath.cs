using System.Globalization;

namespace Katib.Coordinator.Manifests;

/// <summary>Paths as <c>spec.parameters[1].name</c>, always on one line and of bounded length a level.</summary>
internal static class ManifestPath
{
    private const int MaxKeyLength = 60;

    /// <summary>The path of what stands under a key.</summary>
    public static string Of(string parent, string key)
    {
        if (key.Length is 0 or > MaxKeyLength || !key.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            return $"{parent}['{Findings.Shorten(key)}']";
        }

        return parent.Length is 0 ? key : $"{parent}.{key}";
    }

    /// <summary>The path of an item of a list.</summary>
    public static string Of(string parent, int index) => string.Create(CultureInfo.InvariantCulture, $"{parent}[{index}]");
}
