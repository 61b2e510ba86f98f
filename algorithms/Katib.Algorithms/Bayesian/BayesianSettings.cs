using System.Collections.Immutable;

namespace Katib.Algorithms.Bayesian;

/// <summary>The settings of <c>bayesianoptimization</c>, Katib's and ours.</summary>
/// <param name="InitialPoints">How many points are spread over the space before the model is asked.</param>
/// <param name="BaseEstimator">The surrogate that the user named; it is always a Gaussian process.</param>
/// <param name="Acquisition">By what a point's promise is judged.</param>
/// <param name="RandomState">The user's seed.</param>
/// <param name="AllowDuplicates">Whether noisy points may be tried again.</param>
/// <param name="Ledger">What the last reply wrote under <see cref="LedgerName"/>.</param>
internal sealed record BayesianSettings(
    int InitialPoints,
    string BaseEstimator,
    AcquisitionKind Acquisition,
    long? RandomState,
    bool AllowDuplicates,
    string? Ledger)
{
    /// <summary>The setting under which points ride along that were issued and are not shown.</summary>
    public const string LedgerName = "unseen_points";

    /// <summary>Katib's name of the surrogate; the only one that there is here.</summary>
    public const string OnlyEstimator = "GP";

    private const int DefaultInitialPoints = 10;
    private const int MaxInitialPoints = 10_000;

    private static readonly string[] Estimators = [OnlyEstimator, "RF", "ET", "GBRT"];
    private static readonly string[] Optimizers = ["auto", "sampling", "lbfgs"];

    private static readonly string[] Functions = ["gp_hedge", "EI", "LCB", "PI", "EIps", "PIps"];

    /// <summary>What users may set.</summary>
    public static ImmutableArray<SettingDeclaration> Declared { get; } =
    [
        SettingDeclaration.RandomState,
        new("n_initial_points", "whole number, 0 or more", "10", "points spread over the space before the model is asked"),
        new("acq_func", string.Join(", ", Functions), "gp_hedge",
            "LCB goes by the lower confidence bound, PI by the probability of an improvement; all others by its expected size"),
        new("base_estimator", string.Join(", ", Estimators), OnlyEstimator,
            "accepted for Katib's sake; the model is a Gaussian process in any case, and the reply says so"),
        new("acq_optimizer", string.Join(", ", Optimizers), "auto", "accepted for Katib's sake, without effect"),
        SettingDeclaration.AllowDuplicates,
        new(LedgerName, "written by the service", "none", "points whose trials are not shown; leave it alone"),
    ];

    /// <summary>What holds in place of what the user wrote: there is no other estimator.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Effective =>
        BaseEstimator is OnlyEstimator ? [] : [KeyValuePair.Create("base_estimator", OnlyEstimator)];

    /// <summary>The same in words.</summary>
    public ImmutableArray<string> Warnings => Effective.IsEmpty
        ? []
        : [$"base_estimator {BaseEstimator} is served by a Gaussian process; the reply sets base_estimator to {OnlyEstimator}."];

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="InvalidStudyException">One is wrong; all that are wrong are named.</exception>
    public static BayesianSettings Read(AlgorithmSettings settings)
    {
        var reader = settings.Read(Declared);
        const string Initial = "n_initial_points";
        var read = new BayesianSettings(
            (int)(reader.WholeNumber(
                Initial, 0, MaxInitialPoints, $"{Initial} should be great or equal than zero") ?? DefaultInitialPoints),
            reader.Choice("base_estimator", Estimators, NotSupported) ?? OnlyEstimator,
            reader.Choice("acq_func", Functions, NotSupported) switch
            {
                "LCB" => AcquisitionKind.LowerConfidenceBound,
                "PI" => AcquisitionKind.ProbabilityOfImprovement,
                _ => AcquisitionKind.ExpectedImprovement,
            },
            reader.RandomState(),
            reader.Flag("allow_duplicates"),
            reader.Text(LedgerName));
        _ = reader.Choice("acq_optimizer", Optimizers, NotSupported);
        reader.ThrowIfInvalid();
        return read;
    }

    private static string NotSupported(string name, string value) =>
        $"{name} {value} is not supported in Bayesian optimization";
}

/// <summary>By what the promise of a point is judged.</summary>
internal enum AcquisitionKind
{
    /// <summary>How much better than the best it is expected to be.</summary>
    ExpectedImprovement,

    /// <summary>How probable it is that it is better than the best.</summary>
    ProbabilityOfImprovement,

    /// <summary>The lower end of what it may be.</summary>
    LowerConfidenceBound,
}
