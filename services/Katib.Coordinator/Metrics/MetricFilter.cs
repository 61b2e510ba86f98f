using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Katib.Coordinator.Metrics;

/// <summary>Katib's metrics filters: RE2 expressions whose first group is a metric's name and whose second its value.</summary>
public static class MetricFilter
{
    /// <summary>The filter where the user gives none: <c>name=value</c>, with a decimal number.</summary>
    public const string Default = @"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)";

    /// <summary>Reads a filter, or says in a sentence why it is none.</summary>
    public static bool TryRead(
        string filter, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? problem)
    {
        if (!Re2.TryTranslate(filter, out regex, out problem))
        {
            return false;
        }

        if (regex.GetGroupNumbers().Length >= 3)
        {
            return true;
        }

        regex = null;
        problem = @"A filter needs two groups, the metric's name and its value, as in (\w+): (-?[0-9.]+).";
        return false;
    }
}
