using System.Globalization;

namespace Digits;

/// <summary>What a trial is given: one point of the search space.</summary>
/// <param name="Kernel">The similarity of two images: <c>gaussian</c> or <c>laplacian</c>.</param>
/// <param name="Gamma">How fast the similarity falls with the distance.</param>
/// <param name="Features">How many random features stand in for the kernel.</param>
/// <param name="Epochs">How often training passes over the data.</param>
internal sealed record Hyperparameters(string Kernel, float Gamma, int Features, int Epochs)
{
    private static readonly string[] Names = ["kernel", "gamma", "features", "epochs"];

    /// <summary>Reads <c>--name=value</c> arguments, in any order, each name once.</summary>
    public static Hyperparameters Parse(IEnumerable<string> arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var argument in arguments)
        {
            if (argument.Split('=', 2) is not [['-', '-', .. var name], var value] || !Names.Contains(name))
            {
                throw new FormatException(
                    $"'{argument}' is not understood; give --name=value, where name is {string.Join(", ", Names)}.");
            }

            if (!values.TryAdd(name, value))
            {
                throw new FormatException($"--{name} is given twice; give it once.");
            }
        }

        return new(
            values.GetValueOrDefault("kernel") is { } kernel and ("gaussian" or "laplacian")
                ? kernel
                : throw Refused("kernel", "gaussian or laplacian"),
            float.TryParse(values.GetValueOrDefault("gamma"), CultureInfo.InvariantCulture, out var gamma)
                && float.IsFinite(gamma) && gamma > 0
                ? gamma
                : throw Refused("gamma", "a number above 0"),
            WholeNumber("features"),
            WholeNumber("epochs"));

        int WholeNumber(string name) =>
            int.TryParse(values.GetValueOrDefault(name), CultureInfo.InvariantCulture, out var number) && number > 0
                ? number
                : throw Refused(name, "a whole number above 0");

        FormatException Refused(string name, string expected) => values.TryGetValue(name, out var value)
            ? new($"--{name}={value} does not do; give {expected}.")
            : new($"--{name} is missing; give {expected}.");
    }
}
