using System.Diagnostics.CodeAnalysis;

namespace Katib.Coordinator.Metrics;

/// <summary>Katib's metrics filters: RE2 expressions with two groups, a metric's name and its value.</summary>
public static class MetricFilter
{
    /// <summary>Katib's filter where the user gives none: <c>name=value</c>, with a decimal number. Ours finds more.</summary>
    public const string Default = @"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)";

    /// <summary>Reads a filter, or says in a sentence why it is none.</summary>
    public static bool TryRead(
        string filter, [NotNullWhen(true)] out Re2? expression, [NotNullWhen(false)] out string? problem)
    {
        if (!Re2.TryParse(filter, out expression, out problem))
        {
            return false;
        }

        if (expression.GroupCount >= 2)
        {
            return true;
        }

        expression = null;
        problem = @"A filter needs two groups, the metric's name and its value, as in (\w+): (-?[0-9.]+).";
        return false;
    }
}
