using System.Globalization;
using Wire = Api.V1.Beta1;

namespace Katib.Proto;

/// <summary>Messages to studies and suggestions to messages: the one file that knows both sides.</summary>
public static class WireMapping
{
    /// <summary>More assignments in one reply than any controller asks for.</summary>
    public const int MaxRequestNumber = 10_000;

    /// <summary>More than any controller reads; names and values of categories may be long.</summary>
    public const int MaxReplyBytes = 16 * 1024 * 1024;

    /// <summary>What an assignment takes beyond its name, with a number as its value.</summary>
    private const int AssignmentBytes = 64;

    /// <summary>More assignments in all: a position beyond this would only cost time to reach.</summary>
    public const int MaxIssued = 1_000_000;

    /// <summary>What a request for suggestions asks about, checked.</summary>
    /// <remarks>
    /// The budget is left out: users raise it on a running experiment, so it is judged by validation alone. A trial never
    /// makes a request fail; one whose assignments are no point of the space only counts.
    /// </remarks>
    /// <exception cref="InvalidStudyException">The experiment or the number asked for is wrong.</exception>
    public static Study ToStudy(Wire.GetSuggestionsRequest request) => ToStudy(
        request.Experiment,
        request.CurrentRequestNumber,
        request.TotalRequestNumber,
        request.Trials,
        request.Trials.Count);

    /// <summary>The same for a request whose trials are still to be read, which is done one at a time.</summary>
    /// <exception cref="InvalidStudyException">The experiment or the number asked for is wrong.</exception>
    /// <exception cref="Google.Protobuf.InvalidProtocolBufferException">What stands for a trial is none.</exception>
    public static Study ToStudy(UnreadSuggestionsRequest request) => ToStudy(
        request.Experiment,
        request.CurrentRequestNumber,
        request.TotalRequestNumber,
        request.Trials.Select(static t => Wire.Trial.Parser.ParseFrom(t.Span)),
        request.Trials.Count);

    /// <summary>What is to be validated, its search space checked. An experiment without parameters is accepted.</summary>
    /// <exception cref="InvalidStudyException">The search space is wrong.</exception>
    public static Study ToStudy(Wire.ValidateAlgorithmSettingsRequest request)
    {
        var problems = new List<Problem>();
        var space = ToSpace(request.Experiment, problems);
        InvalidStudyException.ThrowIfAny(problems);
        var max = request.Experiment?.Spec?.MaxTrialCount ?? 0;
        return new(request.Experiment?.Name ?? "", space, ToSettings(request.Experiment), [], 0, max is 0 ? null : max);
    }

    /// <summary>The name of the algorithm that is asked for; empty when there is none.</summary>
    public static string AlgorithmName(Wire.Experiment? experiment) => experiment?.Spec?.Algorithm?.AlgorithmName ?? "";

    /// <summary>The reply that carries the suggestions, in their order.</summary>
    public static Wire.GetSuggestionsReply ToReply(Reply answer)
    {
        var reply = new Wire.GetSuggestionsReply();
        if (answer.Echo.Length > 0)
        {
            reply.Algorithm = new();
            reply.Algorithm.AlgorithmSettings.Add(answer.Echo.Select(
                static s => new Wire.AlgorithmSetting { Name = s.Key, Value = s.Value }));
        }

        foreach (var suggestion in answer.Suggestions)
        {
            var assignments = new Wire.GetSuggestionsReply.Types.ParameterAssignments();
            assignments.Assignments.Add(suggestion.Assignments.Select(
                static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
            reply.ParameterAssignments.Add(assignments);
        }

        return reply;
    }

    /// <summary>One parameter for a request.</summary>
    public static Wire.ParameterSpec ToWire(ParameterSpec parameter)
    {
        var space = parameter.FeasibleSpace;
        var wire = new Wire.FeasibleSpace
        {
            Min = space.Min,
            Max = space.Max,
            Step = space.Step,
            Distribution = ToWire(space.Distribution),
        };
        wire.List.Add(space.List.IsDefault ? [] : space.List);
        return new() { Name = parameter.Name, ParameterType = ToWire(parameter.Type), FeasibleSpace = wire };
    }

    private static Study ToStudy(
        Wire.Experiment? experiment, int current, int total, IEnumerable<Wire.Trial> trials, int trialCount)
    {
        var problems = new List<Problem>();
        var issued = (long)total - current;
        if (issued > MaxIssued)
        {
            problems.Add(new(
                "total_request_number",
                FormattableString.Invariant($"{total}"),
                $"must not be above current_request_number by more than {MaxIssued}"));
        }

        if (current is < 0 or > MaxRequestNumber)
        {
            problems.Add(new(
                "current_request_number",
                FormattableString.Invariant($"{current}"),
                $"must lie between 0 and {MaxRequestNumber}"));
        }

        var space = ToSpace(experiment, problems);
        if (space.Dimension is 0 && problems.Count is 0)
        {
            problems.Add(new("parameters", "", "are missing; give at least one parameter to search"));
        }

        var replyBytes = current * (experiment?.Spec?.ParameterSpecs?.Parameters ?? []).Sum(BytesOf);
        if (problems.Count is 0 && replyBytes > MaxReplyBytes)
        {
            problems.Add(new(
                "current_request_number",
                FormattableString.Invariant($"{current}"),
                $"asks for a reply of some {replyBytes} bytes; ask for fewer points, so that it stays below {MaxReplyBytes}"));
        }

        InvalidStudyException.ThrowIfAny(problems);
        var objective = experiment?.Spec?.Objective ?? new();
        return new(
            experiment?.Name ?? "",
            space,
            ToSettings(experiment),
            [.. trials.Select(t => ToTrial(t, space, objective))],
            issued < 0 ? trialCount : (int)issued,
            MaxTrialCount: null);
    }

    /// <summary>The most that a value of the parameter takes in a reply.</summary>
    private static long BytesOf(Wire.ParameterSpec parameter) =>
        AssignmentBytes + parameter.Name.Length + ((parameter.FeasibleSpace?.List ?? []).Max(static v => (int?)v.Length) ?? 0);

    private static SearchSpace ToSpace(Wire.Experiment? experiment, List<Problem> problems) =>
        SearchSpace.Create(
            [.. (experiment?.Spec?.ParameterSpecs?.Parameters ?? []).Select(ToParameter)], problems);

    private static AlgorithmSettings ToSettings(Wire.Experiment? experiment) => new(
        AlgorithmName(experiment),
        [.. (experiment?.Spec?.Algorithm?.AlgorithmSettings ?? []).Select(
            static s => KeyValuePair.Create(s.Name, s.Value))]);

    private static ParameterSpec ToParameter(Wire.ParameterSpec parameter)
    {
        var space = parameter.FeasibleSpace ?? new();
        return new(
            parameter.Name,
            ToType(parameter.ParameterType),
            new(space.Min, space.Max, space.Step, [.. space.List], ToDistribution(space.Distribution)));
    }

    private static Trial ToTrial(Wire.Trial trial, SearchSpace space, Wire.ObjectiveSpec objective)
    {
        var assignments = trial.Spec?.ParameterAssignments?.Assignments ?? [];
        return new(
            trial.Name,
            space.Parse(assignments.Select(static a => new Assignment(a.Name, a.Value))),
            ToStatus(trial.Status?.Condition ?? Wire.TrialStatus.Types.TrialConditionType.Created),
            ToLoss(trial.Status?.Observation, objective),
            trial.Status?.CompletionTime ?? "");
    }

    private static double? ToLoss(Wire.Observation? observation, Wire.ObjectiveSpec objective)
    {
        var text = observation?.Metrics.FirstOrDefault(m => m.Name == objective.ObjectiveMetricName)?.Value;
        if (text is null
            || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            || double.IsNaN(value))
        {
            return null;
        }

        return objective.Type is Wire.ObjectiveType.Maximize ? -value : value;
    }

    private static ParameterType ToType(Wire.ParameterType type) => type switch
    {
        Wire.ParameterType.Double => ParameterType.Double,
        Wire.ParameterType.Int => ParameterType.Int,
        Wire.ParameterType.Discrete => ParameterType.Discrete,
        Wire.ParameterType.Categorical => ParameterType.Categorical,
        _ => ParameterType.Unknown,
    };

    private static Wire.ParameterType ToWire(ParameterType type) => type switch
    {
        ParameterType.Double => Wire.ParameterType.Double,
        ParameterType.Int => Wire.ParameterType.Int,
        ParameterType.Discrete => Wire.ParameterType.Discrete,
        ParameterType.Categorical => Wire.ParameterType.Categorical,
        _ => Wire.ParameterType.UnknownType,
    };

    private static Distribution ToDistribution(Wire.Distribution distribution) => distribution switch
    {
        Wire.Distribution.Unspecified or Wire.Distribution.Uniform => Distribution.Uniform,
        Wire.Distribution.LogUniform => Distribution.LogUniform,
        Wire.Distribution.Normal => Distribution.Normal,
        Wire.Distribution.LogNormal => Distribution.LogNormal,
        _ => Distribution.Unknown,
    };

    private static Wire.Distribution ToWire(Distribution distribution) => distribution switch
    {
        Distribution.Uniform => Wire.Distribution.Uniform,
        Distribution.LogUniform => Wire.Distribution.LogUniform,
        Distribution.Normal => Wire.Distribution.Normal,
        Distribution.LogNormal => Wire.Distribution.LogNormal,
        _ => Wire.Distribution.Unspecified,
    };

    /// <summary>Where a trial stands; one without a condition is only created.</summary>
    public static TrialStatus StatusOf(Wire.Trial trial) =>
        trial.Status is null ? TrialStatus.Created : ToStatus(trial.Status.Condition);

    private static TrialStatus ToStatus(Wire.TrialStatus.Types.TrialConditionType condition) => condition switch
    {
        Wire.TrialStatus.Types.TrialConditionType.Created => TrialStatus.Created,
        Wire.TrialStatus.Types.TrialConditionType.Running => TrialStatus.Running,
        Wire.TrialStatus.Types.TrialConditionType.Succeeded => TrialStatus.Succeeded,
        Wire.TrialStatus.Types.TrialConditionType.Killed => TrialStatus.Killed,
        Wire.TrialStatus.Types.TrialConditionType.Failed => TrialStatus.Failed,
        Wire.TrialStatus.Types.TrialConditionType.Metricsunavailable => TrialStatus.MetricsUnavailable,
        Wire.TrialStatus.Types.TrialConditionType.Earlystopped => TrialStatus.EarlyStopped,
        _ => TrialStatus.Unknown,
    };
}
