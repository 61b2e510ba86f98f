using Api.V1.Beta1;
using Google.Protobuf.Reflection;

namespace Katib.Proto.Tests;

/// <summary>The compiled contract against Katib's, as a table: nothing missing, nothing extra, nothing renumbered.</summary>
public sealed class ContractTests
{
    private const string Services = """
        DBManager.DeleteObservationLog: DeleteObservationLogRequest -> DeleteObservationLogReply
        DBManager.GetObservationLog: GetObservationLogRequest -> GetObservationLogReply
        DBManager.ReportObservationLog: ReportObservationLogRequest -> ReportObservationLogReply
        EarlyStopping.GetEarlyStoppingRules: GetEarlyStoppingRulesRequest -> GetEarlyStoppingRulesReply
        EarlyStopping.SetTrialStatus: SetTrialStatusRequest -> SetTrialStatusReply
        EarlyStopping.ValidateEarlyStoppingSettings: ValidateEarlyStoppingSettingsRequest -> ValidateEarlyStoppingSettingsReply
        Suggestion.GetSuggestions: GetSuggestionsRequest -> GetSuggestionsReply
        Suggestion.ValidateAlgorithmSettings: ValidateAlgorithmSettingsRequest -> ValidateAlgorithmSettingsReply
        """;

    private const string Messages = """
        AlgorithmSetting: name=1 string; value=2 string
        AlgorithmSpec: algorithm_name=1 string; algorithm_settings=2 repeated AlgorithmSetting
        DeleteObservationLogReply:
        DeleteObservationLogRequest: trial_name=1 string
        EarlyStoppingRule: name=1 string; value=2 string; comparison=3 ComparisonType; start_step=4 int32
        EarlyStoppingSetting: name=1 string; value=2 string
        EarlyStoppingSpec: algorithm_name=1 string; algorithm_settings=2 repeated EarlyStoppingSetting
        Experiment: name=1 string; spec=2 ExperimentSpec
        ExperimentSpec: parameter_specs=1 ExperimentSpec.ParameterSpecs; objective=2 ObjectiveSpec; algorithm=3 AlgorithmSpec; early_stopping=4 EarlyStoppingSpec; parallel_trial_count=5 int32; max_trial_count=6 int32; nas_config=7 NasConfig
        ExperimentSpec.ParameterSpecs: parameters=1 repeated ParameterSpec
        FeasibleSpace: max=1 string; min=2 string; list=3 repeated string; step=4 string; distribution=5 Distribution
        GetEarlyStoppingRulesReply: early_stopping_rules=1 repeated EarlyStoppingRule
        GetEarlyStoppingRulesRequest: experiment=1 Experiment; trials=2 repeated Trial; db_manager_address=3 string
        GetObservationLogReply: observation_log=1 ObservationLog
        GetObservationLogRequest: trial_name=1 string; metric_name=2 string; start_time=3 string; end_time=4 string
        GetSuggestionsReply: parameter_assignments=1 repeated GetSuggestionsReply.ParameterAssignments; algorithm=2 AlgorithmSpec; early_stopping_rules=3 repeated EarlyStoppingRule
        GetSuggestionsReply.ParameterAssignments: assignments=1 repeated ParameterAssignment; trial_name=2 string; labels=3 map<string, string>
        GetSuggestionsRequest: experiment=1 Experiment; trials=2 repeated Trial; current_request_number=4 int32; total_request_number=5 int32
        GraphConfig: num_layers=1 int32; input_sizes=2 repeated int32; output_sizes=3 repeated int32
        Metric: name=1 string; value=2 string
        MetricLog: time_stamp=1 string; metric=2 Metric
        NasConfig: graph_config=1 GraphConfig; operations=2 NasConfig.Operations
        NasConfig.Operations: operation=1 repeated Operation
        ObjectiveSpec: type=1 ObjectiveType; goal=2 double; objective_metric_name=3 string; additional_metric_names=4 repeated string
        Observation: metrics=1 repeated Metric
        ObservationLog: metric_logs=1 repeated MetricLog
        Operation: operation_type=1 string; parameter_specs=2 Operation.ParameterSpecs
        Operation.ParameterSpecs: parameters=1 repeated ParameterSpec
        ParameterAssignment: name=1 string; value=2 string
        ParameterSpec: name=1 string; parameter_type=2 ParameterType; feasible_space=3 FeasibleSpace
        ReportObservationLogReply:
        ReportObservationLogRequest: trial_name=1 string; observation_log=2 ObservationLog
        SetTrialStatusReply:
        SetTrialStatusRequest: trial_name=1 string
        Trial: name=1 string; spec=2 TrialSpec; status=3 TrialStatus
        TrialSpec: objective=2 ObjectiveSpec; parameter_assignments=3 TrialSpec.ParameterAssignments; labels=4 map<string, string>
        TrialSpec.ParameterAssignments: assignments=1 repeated ParameterAssignment
        TrialStatus: start_time=1 string; completion_time=2 string; condition=3 TrialStatus.TrialConditionType; observation=4 Observation
        ValidateAlgorithmSettingsReply:
        ValidateAlgorithmSettingsRequest: experiment=1 Experiment
        ValidateEarlyStoppingSettingsReply:
        ValidateEarlyStoppingSettingsRequest: early_stopping=1 EarlyStoppingSpec
        """;

    private const string Enums = """
        ComparisonType: UNKNOWN_COMPARISON=0 EQUAL=1 LESS=2 GREATER=3
        Distribution: DISTRIBUTION_UNSPECIFIED=0 UNIFORM=1 LOG_UNIFORM=2 NORMAL=3 LOG_NORMAL=4
        ObjectiveType: UNKNOWN=0 MINIMIZE=1 MAXIMIZE=2
        ParameterType: UNKNOWN_TYPE=0 DOUBLE=1 INT=2 DISCRETE=3 CATEGORICAL=4
        TrialStatus.TrialConditionType: CREATED=0 RUNNING=1 SUCCEEDED=2 KILLED=3 FAILED=4 METRICSUNAVAILABLE=5 EARLYSTOPPED=6 UNKNOWN=7
        """;

    private static readonly FileDescriptor Contract = ApiReflection.Descriptor;

    [Fact]
    public void The_package_is_Katibs_and_proto3()
    {
        var file = Contract.ToProto();

        Assert.Equal("api.v1.beta1", Contract.Package);
        Assert.Equal("proto3", file.Syntax);
    }

    [Fact]
    public void The_services_are_Katibs()
    {
        var compiled = Contract.Services.SelectMany(static s => s.Methods.Select(m =>
            $"{s.Name}.{m.Name}: {Stream(m.IsClientStreaming)}{NameOf(m.InputType)} -> "
            + $"{Stream(m.IsServerStreaming)}{NameOf(m.OutputType)}"));

        AssertSame(Services, compiled);
    }

    [Fact]
    public void The_messages_are_Katibs()
    {
        var compiled = Contract.MessageTypes.SelectMany(WithNested).Select(static m =>
            $"{NameOf(m)}: {string.Join("; ", m.Fields.InFieldNumberOrder().Select(Describe))}".TrimEnd());

        AssertSame(Messages, compiled);
    }

    [Fact]
    public void The_enums_are_Katibs()
    {
        var nested = Contract.MessageTypes.SelectMany(WithNested).SelectMany(static m => m.EnumTypes);
        var compiled = Contract.EnumTypes.Concat(nested).Select(static e =>
            $"{NameOf(e)}: {string.Join(' ', e.Values.Select(static v => $"{v.Name}={v.Number}"))}");

        AssertSame(Enums, compiled);
    }

    private static void AssertSame(string table, IEnumerable<string> compiled) =>
        Assert.Equal(
            table.Split('\n').Order(StringComparer.Ordinal), compiled.Order(StringComparer.Ordinal));

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) =>
        message.NestedTypes.Where(static n => n.GetOptions() is not { MapEntry: true }).SelectMany(WithNested).Prepend(message);

    private static string Describe(FieldDescriptor field)
    {
        if (field.IsMap)
        {
            var entry = field.MessageType.Fields.InFieldNumberOrder();
            return $"{field.Name}={field.FieldNumber} map<{TypeOf(entry[0])}, {TypeOf(entry[1])}>";
        }

        // A field marked optional, or one of a oneof, would be read back in another way.
        var kind = field.ContainingOneof is not null ? "oneof " : field.IsRepeated ? "repeated " : "";
        return $"{field.Name}={field.FieldNumber} {kind}{TypeOf(field)}";
    }

    private static string TypeOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => NameOf(field.MessageType),
        FieldType.Enum => NameOf(field.EnumType),
        _ => field.FieldType.ToString().ToLowerInvariant(),
    };

    private static string NameOf(DescriptorBase type) => type.FullName[(type.File.Package.Length + 1)..];

    private static string Stream(bool isStreaming) => isStreaming ? "stream " : "";
}
