using Wire = Api.V1.Beta1;

namespace Katib.Proto.Tests;

/// <summary>Small messages to test with.</summary>
internal static class Messages
{
    public static Wire.ParameterSpec Double(string name, string min = "0", string max = "1") => new()
    {
        Name = name,
        ParameterType = Wire.ParameterType.Double,
        FeasibleSpace = new() { Min = min, Max = max },
    };

    public static Wire.Experiment Experiment(params IEnumerable<Wire.ParameterSpec> parameters)
    {
        var experiment = new Wire.Experiment
        {
            Name = "study",
            Spec = new()
            {
                ParameterSpecs = new(),
                Objective = new() { Type = Wire.ObjectiveType.Minimize, ObjectiveMetricName = "loss" },
                Algorithm = new() { AlgorithmName = "random" },
            },
        };
        experiment.Spec.ParameterSpecs.Parameters.Add(parameters);
        return experiment;
    }

    public static Wire.Trial Trial(params IEnumerable<(string Name, string Value)> assignments)
    {
        var trial = new Wire.Trial { Name = "trial", Spec = new() { ParameterAssignments = new() } };
        trial.Spec.ParameterAssignments.Assignments.Add(
            assignments.Select(static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        return trial;
    }

    public static Wire.GetSuggestionsRequest Request(Wire.Experiment experiment, params IEnumerable<Wire.Trial> trials)
    {
        var request = new Wire.GetSuggestionsRequest { Experiment = experiment, CurrentRequestNumber = 1 };
        request.Trials.Add(trials);
        request.TotalRequestNumber = request.Trials.Count + 1;
        return request;
    }
}
