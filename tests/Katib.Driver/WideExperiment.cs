using System.Globalization;
using Wire = Api.V1.Beta1;

namespace Katib.Driver;

/// <summary>An experiment of many parameters of all four types, which every algorithm takes.</summary>
public static class WideExperiment
{
    private static readonly string[] Numbers = ["0.1", "0.2", "0.5", "1"];
    private static readonly string[] Names = ["adam", "sgd", "ftrl", "rmsprop"];

    /// <summary>The experiment.</summary>
    public static Wire.Experiment Of(string algorithm, int parameters, int trials, int parallel)
    {
        var experiment = new Wire.Experiment
        {
            Name = "wide",
            Spec = new()
            {
                ParameterSpecs = new(),
                Objective = new() { Type = Wire.ObjectiveType.Minimize, ObjectiveMetricName = "loss" },
                Algorithm = new() { AlgorithmName = algorithm },
                MaxTrialCount = trials,
                ParallelTrialCount = parallel,
            },
        };
        experiment.Spec.ParameterSpecs.Parameters.Add(Enumerable.Range(0, parameters).Select(Parameter));
        return experiment;
    }

    /// <summary>A loss with one valley: the numbers pull towards the lower third of their ranges.</summary>
    public static double Loss(DrivenTrial trial) => trial.Assignments.Sum(static a =>
        double.TryParse(a.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? Math.Pow((value / (value > 1 ? 1000 : 1)) - 0.3, 2)
            : Array.IndexOf(Names, a.Value) * 0.05);

    private static Wire.ParameterSpec Parameter(int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"parameter-{number}");
        return (number % 4) switch
        {
            0 => new()
            {
                Name = name,
                ParameterType = Wire.ParameterType.Double,
                FeasibleSpace = new() { Min = "0", Max = "1", Step = "0.001" },
            },
            1 => new()
            {
                Name = name,
                ParameterType = Wire.ParameterType.Int,
                FeasibleSpace = new() { Min = "1", Max = "1000" },
            },
            2 => new()
            {
                Name = name,
                ParameterType = Wire.ParameterType.Discrete,
                FeasibleSpace = new() { List = { Numbers } },
            },
            _ => new()
            {
                Name = name,
                ParameterType = Wire.ParameterType.Categorical,
                FeasibleSpace = new() { List = { Names } },
            },
        };
    }
}
