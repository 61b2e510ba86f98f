using Google.Protobuf;
using static Katib.Proto.Tests.Messages;
using Wire = Api.V1.Beta1;
using WireCondition = Api.V1.Beta1.TrialStatus.Types.TrialConditionType;

namespace Katib.Proto.Tests;

public sealed class WireMappingTests
{
    /// <summary>As text, for the space of a and b in [0,1].</summary>
    public static TheoryData<string> OddAssignments =>
    [
        "",
        "a=0.5",
        "a=0.5 c=0.5",
        "a=0.5 b=",
        "a=0.5 b=half",
        "a=0.5 b=NaN",
        "a=0.5 b=1.5",
        "a=0.5 b=" + new string('9', 1000),
        "a=0.5 a=0.6",
        "a=0.5 b=0.5 b=0.6",
        "= =",
    ];

    [Theory]
    [InlineData(Wire.ObjectiveType.Minimize, "0.25", 0.25)]
    [InlineData(Wire.ObjectiveType.Maximize, "0.25", -0.25)]
    [InlineData(Wire.ObjectiveType.Unknown, "0.25", 0.25)]
    [InlineData(Wire.ObjectiveType.Maximize, "-7.53e-05", 7.53e-05)]
    [InlineData(Wire.ObjectiveType.Minimize, "Infinity", double.PositiveInfinity)]
    [InlineData(Wire.ObjectiveType.Maximize, "Infinity", double.NegativeInfinity)]
    [InlineData(Wire.ObjectiveType.Minimize, "-Infinity", double.NegativeInfinity)]
    public void A_loss_is_always_to_be_minimised(Wire.ObjectiveType type, string metric, double expected)
    {
        var loss = LossOf(type, "loss", metric);

        Assert.Equal(expected, loss);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("NaN")]
    [InlineData("nan")]
    [InlineData("unavailable")]
    [InlineData("0,5")]
    [InlineData("1,000")]
    [InlineData("0x10")]
    public void A_metric_that_is_no_number_is_no_loss(string? metric)
    {
        var loss = LossOf(Wire.ObjectiveType.Minimize, "loss", metric);

        Assert.Null(loss);
    }

    [Fact]
    public void Another_metric_is_no_loss()
    {
        var loss = LossOf(Wire.ObjectiveType.Minimize, "accuracy", "0.5");

        Assert.Null(loss);
    }

    [Theory]
    [InlineData(Wire.ParameterType.Double, typeof(ContinuousParameter))]
    [InlineData(Wire.ParameterType.Int, typeof(IntParameter))]
    [InlineData(Wire.ParameterType.Discrete, typeof(DiscreteParameter))]
    [InlineData(Wire.ParameterType.Categorical, typeof(CategoricalParameter))]
    public void Every_parameter_type_arrives(Wire.ParameterType type, Type expected)
    {
        var study = WireMapping.ToStudy(Request(Experiment(OfType(type))));

        Assert.IsType(expected, study.Space.Parameters.Single());
    }

    [Theory]
    [InlineData(Wire.Distribution.Unspecified, Distribution.Uniform)]
    [InlineData(Wire.Distribution.Uniform, Distribution.Uniform)]
    [InlineData(Wire.Distribution.LogUniform, Distribution.LogUniform)]
    [InlineData(Wire.Distribution.Normal, Distribution.Normal)]
    [InlineData(Wire.Distribution.LogNormal, Distribution.LogNormal)]
    public void Every_distribution_arrives(Wire.Distribution distribution, Distribution expected)
    {
        var parameter = Double("x", "1", "100");
        parameter.FeasibleSpace.Distribution = distribution;

        var study = WireMapping.ToStudy(Request(Experiment(parameter)));

        // No two distributions agree on where a tenth of the draws ends.
        Assert.Equal(TenthUnder(expected), study.Space.Parameters[0].Quantile(0.1));
    }

    [Fact]
    public void No_two_distributions_agree_on_a_tenth()
    {
        var tenths = Enum.GetValues<Distribution>().Where(static d => d is not Distribution.Unknown).Select(TenthUnder);

        Assert.Distinct(tenths);
    }

    [Theory]
    [InlineData((Wire.ParameterType)0, Wire.Distribution.Uniform, "parameters[0].parameterType")]
    [InlineData((Wire.ParameterType)99, Wire.Distribution.Uniform, "parameters[0].parameterType")]
    [InlineData(Wire.ParameterType.Double, (Wire.Distribution)99, "parameters[0].feasibleSpace.distribution")]
    public void An_unknown_type_or_distribution_is_refused(
        Wire.ParameterType type, Wire.Distribution distribution, string field)
    {
        var parameter = OfType(type);
        parameter.FeasibleSpace.Distribution = distribution;

        var refused = Assert.Throws<InvalidStudyException>(() => WireMapping.ToStudy(Request(Experiment(parameter))));

        Assert.Equal(field, Assert.Single(refused.Problems).Field);
    }

    [Fact]
    public void A_parameter_survives_the_way_to_the_wire()
    {
        var types = Enum.GetValues<ParameterType>();
        var distributions = Enum.GetValues<Distribution>();

        var wire = types.Select(static t => WireMapping.ToWire(new ParameterSpec("p", t, new())).ParameterType);
        var laws = distributions.Select(static d =>
            WireMapping.ToWire(new ParameterSpec("p", ParameterType.Double, new(Distribution: d))).FeasibleSpace.Distribution);
        var full = WireMapping.ToWire(
            new("p", ParameterType.Discrete, new("1", "2", "0.5", ["1", "1.5"], Distribution.Normal)));

        Assert.Equal(Enum.GetValues<Wire.ParameterType>(), wire);
        Assert.Equal(Enum.GetValues<Wire.Distribution>(), laws);
        Assert.Equal(
            new()
            {
                Name = "p",
                ParameterType = Wire.ParameterType.Discrete,
                FeasibleSpace = new()
                {
                    Min = "1",
                    Max = "2",
                    Step = "0.5",
                    List = { "1", "1.5" },
                    Distribution = Wire.Distribution.Normal,
                },
            },
            full);
    }

    [Theory]
    [InlineData(WireCondition.Created, TrialStatus.Created)]
    [InlineData(WireCondition.Running, TrialStatus.Running)]
    [InlineData(WireCondition.Succeeded, TrialStatus.Succeeded)]
    [InlineData(WireCondition.Killed, TrialStatus.Killed)]
    [InlineData(WireCondition.Failed, TrialStatus.Failed)]
    [InlineData(WireCondition.Metricsunavailable, TrialStatus.MetricsUnavailable)]
    [InlineData(WireCondition.Earlystopped, TrialStatus.EarlyStopped)]
    [InlineData(WireCondition.Unknown, TrialStatus.Unknown)]
    [InlineData((WireCondition)42, TrialStatus.Unknown)]
    public void Every_condition_arrives(WireCondition condition, TrialStatus expected)
    {
        var trial = Trial(("a", "0.5"));
        trial.Status = new() { Condition = condition };

        var study = WireMapping.ToStudy(Request(Experiment(Double("a")), trial));

        Assert.Equal(expected, study.Trials.Single().Status);
    }

    [Fact]
    public void A_trial_without_condition_is_created()
    {
        var request = Request(Experiment(Double("a")), Trial(("a", "0.5")), new Wire.Trial { Status = new() });

        var study = WireMapping.ToStudy(request);

        Assert.All(study.Trials, static t => Assert.Equal(TrialStatus.Created, t.Status));
    }

    [Theory]
    [MemberData(nameof(OddAssignments))]
    public void A_trial_of_odd_assignments_only_counts(string text)
    {
        var assignments = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static a => a.Split('='));
        var trial = Trial(assignments.Select(static a => (a[0], a[1])));

        var study = WireMapping.ToStudy(Request(Experiment(Double("a"), Double("b")), trial));

        Assert.Null(study.Trials.Single().Point);
        Assert.Equal(1, study.Issued);
    }

    [Fact]
    public void An_empty_trial_only_counts()
    {
        var study = WireMapping.ToStudy(Request(Experiment(Double("a")), new Wire.Trial()));

        Assert.Equal(new Trial("", null, TrialStatus.Created, null), study.Trials.Single());
    }

    [Fact]
    public void The_order_of_assignments_and_foreign_ones_do_not_matter()
    {
        var experiment = Experiment(Double("a"), Double("b"));
        var turned = Trial(("other", "x"), ("b", "0.25"), ("a", "0.75"));

        var study = WireMapping.ToStudy(Request(experiment, turned));

        Assert.Equal(new Point([0.75, 0.25]), study.Trials.Single().Point);
    }

    [Theory]
    [InlineData(3, 13, 10)]
    [InlineData(3, 3, 0)]
    [InlineData(3, 0, 2)]
    [InlineData(3, -5, 2)]
    [InlineData(0, int.MinValue, 2)]
    public void What_was_issued_is_the_total_less_the_current_or_else_the_trials_sent(int current, int total, int expected)
    {
        var request = Request(Experiment(Double("a")), Trial(("a", "0.1")), Trial(("a", "0.2")));
        request.CurrentRequestNumber = current;
        request.TotalRequestNumber = total;

        var study = WireMapping.ToStudy(request);

        Assert.Equal(expected, study.Issued);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(WireMapping.MaxRequestNumber + 1)]
    [InlineData(int.MaxValue)]
    public void A_count_that_nobody_can_mean_is_refused(int count)
    {
        var request = Request(Experiment(Double("a")));
        request.CurrentRequestNumber = count;

        var refused = Assert.Throws<InvalidStudyException>(() => WireMapping.ToStudy(request));

        Assert.Equal($"current_request_number '{count}' must lie between 0 and 10000", refused.Message);
    }

    [Theory]
    [InlineData(10_000, 2_000, 1)]
    [InlineData(3, 6_000_000, 1)]
    [InlineData(30, 100, 6_000)]
    public void A_reply_that_no_controller_reads_is_refused(int count, int nameLength, int parameters)
    {
        var names = Enumerable.Range(0, parameters).Select(i => $"{i}{new string('a', nameLength)}");
        var request = Request(Experiment(names.Select(static n => Double(n))));
        request.CurrentRequestNumber = count;

        var refused = Assert.Throws<InvalidStudyException>(() => WireMapping.ToStudy(request));

        Assert.Matches("^current_request_number '[0-9]+' asks for a reply of some [0-9]+ bytes", refused.Message);
    }

    [Fact]
    public void The_largest_count_is_accepted()
    {
        var request = Request(Experiment(Double("a")));
        request.CurrentRequestNumber = WireMapping.MaxRequestNumber;

        var study = WireMapping.ToStudy(request);

        Assert.Equal(1, study.Space.Dimension);
    }

    [Fact]
    public void The_budget_is_told_to_validation_only()
    {
        var experiment = Experiment(Double("a"));
        experiment.Spec.MaxTrialCount = 7;

        var validated = WireMapping.ToStudy(new Wire.ValidateAlgorithmSettingsRequest { Experiment = experiment });
        var asked = WireMapping.ToStudy(Request(experiment));

        Assert.Equal(7, validated.MaxTrialCount);
        Assert.Null(asked.MaxTrialCount);
    }

    [Fact]
    public void A_budget_of_zero_is_none()
    {
        var study = WireMapping.ToStudy(new Wire.ValidateAlgorithmSettingsRequest { Experiment = Experiment(Double("a")) });

        Assert.Null(study.MaxTrialCount);
    }

    [Fact]
    public void Settings_without_parameters_can_be_validated_but_not_searched()
    {
        var experiment = new Wire.Experiment { Spec = new() { Algorithm = new() { AlgorithmName = "random" } } };

        var study = WireMapping.ToStudy(new Wire.ValidateAlgorithmSettingsRequest { Experiment = experiment });
        var refused = Assert.Throws<InvalidStudyException>(() => WireMapping.ToStudy(Request(experiment)));

        Assert.Equal(0, study.Space.Dimension);
        Assert.Equal("parameters are missing; give at least one parameter to search", refused.Message);
    }

    [Fact]
    public void An_empty_message_is_refused_in_words_and_does_not_crash()
    {
        var refused = Assert.Throws<InvalidStudyException>(() => WireMapping.ToStudy(new Wire.GetSuggestionsRequest()));

        Assert.StartsWith("parameters are missing", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_with_unread_trials_says_the_same_as_one_that_is_read()
    {
        var trial = Trial(("a", "0.5"));
        trial.Status = new() { Observation = new() { Metrics = { new Wire.Metric { Name = "loss", Value = "0.5" } } } };
        var request = Request(Experiment(Double("a")), trial, new Wire.Trial(), Trial(("a", "odd")));

        var read = WireMapping.ToStudy(request);
        var unread = WireMapping.ToStudy(UnreadSuggestionsRequest.Parser.ParseFrom(request.ToByteArray()));

        Assert.Equal(read.Trials.AsEnumerable(), unread.Trials);
        Assert.Equal((read.Name, read.Issued), (unread.Name, unread.Issued));
    }

    [Fact]
    public void Suggestions_keep_their_order_and_leave_the_name_to_the_caller()
    {
        var reply = WireMapping.ToReply(
            new([new([new("b", "1"), new("a", "2")]), new([new("b", "3"), new("a", "4")])]));

        Assert.Equal(
            ["b=1 a=2", "b=3 a=4"],
            reply.ParameterAssignments.Select(static p =>
                string.Join(' ', p.Assignments.Select(static a => $"{a.Name}={a.Value}"))));
        Assert.All(reply.ParameterAssignments, static p => Assert.Empty(p.TrialName));
    }

    private static double TenthUnder(Distribution distribution)
    {
        List<Problem> problems = [];
        var space = SearchSpace.Create(
            [new("x", ParameterType.Double, new("1", "100", Distribution: distribution))], problems);
        return space.Parameters[0].Quantile(0.1);
    }

    private static Wire.ParameterSpec OfType(Wire.ParameterType type) => new()
    {
        Name = "p",
        ParameterType = type,
        FeasibleSpace = type is Wire.ParameterType.Discrete or Wire.ParameterType.Categorical
            ? new() { List = { "1", "2" } }
            : new() { Min = "1", Max = "2" },
    };

    private static double? LossOf(Wire.ObjectiveType type, string name, string? value)
    {
        var experiment = Experiment(Double("a"));
        experiment.Spec.Objective.Type = type;
        var trial = Trial(("a", "0.5"));
        trial.Status = new() { Observation = new() };
        if (value is not null)
        {
            trial.Status.Observation.Metrics.Add(new Wire.Metric { Name = name, Value = value });
        }

        return WireMapping.ToStudy(Request(experiment, trial)).Trials.Single().Loss;
    }
}
