using System.Globalization;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>Requests to test with.</summary>
internal static class Requests
{
    public static Wire.ParameterSpec Range(
        string name,
        Wire.ParameterType type,
        string min,
        string max,
        string step = "",
        Wire.Distribution distribution = Wire.Distribution.Unspecified) =>
        new()
        {
            Name = name,
            ParameterType = type,
            FeasibleSpace = new() { Min = min, Max = max, Step = step, Distribution = distribution },
        };

    public static Wire.ParameterSpec Real(
        string name,
        string min,
        string max,
        string step = "",
        Wire.Distribution distribution = Wire.Distribution.Uniform) =>
        Range(name, Wire.ParameterType.Double, min, max, step, distribution);

    public static Wire.ParameterSpec Whole(
        string name,
        string min,
        string max,
        string step = "",
        Wire.Distribution distribution = Wire.Distribution.Uniform) =>
        Range(name, Wire.ParameterType.Int, min, max, step, distribution);

    public static Wire.ParameterSpec Discrete(string name, params string[] list) =>
        new() { Name = name, ParameterType = Wire.ParameterType.Discrete, FeasibleSpace = new() { List = { list } } };

    public static Wire.ParameterSpec Categorical(string name, params string[] list) =>
        new() { Name = name, ParameterType = Wire.ParameterType.Categorical, FeasibleSpace = new() { List = { list } } };

    public static Wire.Experiment Experiment(string algorithm, params IEnumerable<Wire.ParameterSpec> parameters)
    {
        var experiment = new Wire.Experiment
        {
            Name = "study",
            Spec = new()
            {
                ParameterSpecs = new(),
                Objective = new() { Type = Wire.ObjectiveType.Minimize, ObjectiveMetricName = "loss" },
                Algorithm = new() { AlgorithmName = algorithm },
            },
        };
        experiment.Spec.ParameterSpecs.Parameters.Add(parameters);
        return experiment;
    }

    public static Wire.Experiment With(this Wire.Experiment experiment, string setting, string value)
    {
        experiment.Spec.Algorithm.AlgorithmSettings.Add(new Wire.AlgorithmSetting { Name = setting, Value = value });
        return experiment;
    }

    public static Wire.Experiment Budget(this Wire.Experiment experiment, int maxTrialCount)
    {
        experiment.Spec.MaxTrialCount = maxTrialCount;
        return experiment;
    }

    /// <summary>A request that counts as the controller does: all trials were asked for before.</summary>
    public static Wire.GetSuggestionsRequest Ask(
        Wire.Experiment experiment, int count, params IEnumerable<Wire.Trial> trials)
    {
        var request = new Wire.GetSuggestionsRequest { Experiment = experiment, CurrentRequestNumber = count };
        request.Trials.Add(trials);
        request.TotalRequestNumber = request.Trials.Count + count;
        return request;
    }

    /// <summary>What a reply suggests, as the trials that the controller makes of it.</summary>
    public static IEnumerable<Wire.Trial> TrialsOf(Wire.GetSuggestionsReply reply, int firstNumber = 0) =>
        reply.ParameterAssignments.Select((suggested, i) =>
        {
            var number = (firstNumber + i).ToString(CultureInfo.InvariantCulture);
            var trial = new Wire.Trial { Name = $"study-{number}", Spec = new() { ParameterAssignments = new() } };
            trial.Spec.ParameterAssignments.Assignments.Add(suggested.Assignments);
            return trial;
        });

    public static Wire.Trial Trial(params IEnumerable<(string Name, string Value)> assignments)
    {
        var trial = new Wire.Trial { Name = "trial", Spec = new() { ParameterAssignments = new() } };
        trial.Spec.ParameterAssignments.Assignments.Add(
            assignments.Select(static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        return trial;
    }

    /// <summary>The state of a trial that has ended with a loss.</summary>
    public static Wire.TrialStatus Succeeded(double loss) => new()
    {
        StartTime = "2026-01-01T00:00:00Z",
        CompletionTime = "2026-01-01T00:10:00Z",
        Condition = Wire.TrialStatus.Types.TrialConditionType.Succeeded,
        Observation = new()
        {
            Metrics = { new Wire.Metric { Name = "loss", Value = loss.ToString("R", CultureInfo.InvariantCulture) } },
        },
    };

    /// <summary>As large as requests get: every trial with all that Katib's controller says about one.</summary>
    public static Wire.GetSuggestionsRequest Large(
        string algorithm, int trials = 20_000, int parameters = 10, Func<int, double>? losses = null)
    {
        var experiment = Experiment(
            algorithm,
            Enumerable.Range(0, parameters).Select(static i => Real(ParameterName(i), "0", "1", "0.000000000001")));
        return Ask(experiment, 3, Enumerable.Range(0, trials).Select(t =>
        {
            var trial = Trial(Enumerable.Range(0, parameters).Select(i => (ParameterName(i), Value(t, i))));
            trial.Name = $"study-{t.ToString("x8", CultureInfo.InvariantCulture)}";
            trial.Spec.Objective = experiment.Spec.Objective;
            trial.Status = Succeeded(losses?.Invoke(t) ?? 0.123456789012);
            return trial;
        }));
    }

    /// <summary>One line per suggestion.</summary>
    public static string[] Lines(this Wire.GetSuggestionsReply reply) =>
        [.. reply.ParameterAssignments.Select(
            static p => string.Join(", ", p.Assignments.Select(static a => $"{a.Name}={a.Value}")))];

    private static string ParameterName(int i) => string.Create(CultureInfo.InvariantCulture, $"parameter-{i}");

    private static string Value(int trial, int parameter)
    {
        var digits = 100_000_000_001 + (((trial * 7919L) + (parameter * 104729L)) % 899_999_999_989);
        return string.Create(CultureInfo.InvariantCulture, $"0.{digits}");
    }
}
