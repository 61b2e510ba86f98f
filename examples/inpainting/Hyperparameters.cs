using System.Globalization;

namespace Inpainting;

/// <summary>What a trial is given: one point of the search space.</summary>
/// <param name="Activation">What a hidden unit makes of the sum of its inputs.</param>
/// <param name="Layers">How many hidden layers there are.</param>
/// <param name="Units">How many units each of them has.</param>
/// <param name="LearningRate">The length of the first steps.</param>
/// <param name="BatchSize">How many images make one step.</param>
/// <param name="Dropout">The share of hidden units that is left out at random while training.</param>
/// <param name="WeightDecay">The pull of all weights towards 0.</param>
internal sealed record Hyperparameters(
    Activation Activation,
    int Layers,
    int Units,
    float LearningRate,
    int BatchSize,
    float Dropout,
    float WeightDecay)
{
    private static readonly string[] Names =
        ["activation", "layers", "units", "learning-rate", "batch-size", "dropout", "weight-decay"];

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
            values.GetValueOrDefault("activation") switch
            {
                "relu" => Activation.Relu,
                "tanh" => Activation.Tanh,
                "logistic" => Activation.Logistic,
                _ => throw Refused("activation", "relu, tanh or logistic"),
            },
            WholeNumber("layers"),
            WholeNumber("units"),
            Number("learning-rate", static n => n > 0, "a number above 0"),
            WholeNumber("batch-size"),
            Number("dropout", static n => n is >= 0 and < 1, "a number from 0 up to 1"),
            Number("weight-decay", static n => n >= 0, "a number of at least 0"));

        int WholeNumber(string name) =>
            int.TryParse(values.GetValueOrDefault(name), CultureInfo.InvariantCulture, out var number) && number > 0
                ? number
                : throw Refused(name, "a whole number above 0");

        float Number(string name, Predicate<float> holds, string expected) =>
            float.TryParse(values.GetValueOrDefault(name), CultureInfo.InvariantCulture, out var number)
                && float.IsFinite(number) && holds(number)
                ? number
                : throw Refused(name, expected);

        FormatException Refused(string name, string expected) => values.TryGetValue(name, out var value)
            ? new($"--{name}={value} does not do; give {expected}.")
            : new($"--{name} is missing; give {expected}.");
    }
}
