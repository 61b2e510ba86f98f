using System.Globalization;

namespace Katib.Coordinator.Manifests;

/// <summary>One thing that is wrong, or doubtful, in a manifest.</summary>
/// <param name="Line">The line it stands on, from 1; where something is missing, the line of what should hold it.</param>
/// <param name="Path">Where in the manifest, as <c>spec.parameters[1].name</c>; empty for the file as a whole.</param>
/// <param name="Value">What stands there, in the user's own spelling; empty when it is no single value.</param>
/// <param name="Message">What is wrong and what to do, as a sentence that goes on from path and value.</param>
public sealed record ManifestProblem(int Line, string Path, string Value, string Message)
{
    /// <summary>The problem on one line, as compilers print it: <c>digits.yaml:12 spec.maxTrialCount '0': must be …</c></summary>
    public string In(string file)
    {
        var path = Path.Length > 0 ? $" {Path}" : "";
        var value = Value.Length > 0 ? $" '{Value}'" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{file}:{Line}{path}{value}: {Message}");
    }

    /// <inheritdoc/>
    public override string ToString() => In("line");
}
