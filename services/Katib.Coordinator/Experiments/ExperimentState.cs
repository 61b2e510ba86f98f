using System.Collections.Immutable;

namespace Katib.Coordinator.Experiments;

/// <summary>What is the case: an experiment's trials and how far it has come.</summary>
/// <param name="Trials">All trials, in the order of their numbers.</param>
/// <param name="StartedAt">When the experiment was created.</param>
/// <param name="EndedAt">When it ended, the last time it did.</param>
/// <param name="Conditions">Katib's conditions, the newest last.</param>
/// <param name="SettingsEcho">What the algorithm asks to hear again: settings merged over the user's.</param>
/// <param name="Outcome">How it ended; null while it goes on.</param>
/// <param name="IsSearchExhausted">The algorithm has nothing new to suggest.</param>
public sealed record ExperimentState(
    ImmutableArray<TrialState> Trials,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    ImmutableArray<Condition> Conditions,
    ImmutableArray<KeyValuePair<string, string>> SettingsEcho,
    Outcome? Outcome = null,
    bool IsSearchExhausted = false)
{
    /// <summary>For how long it has been worked on, the times between two coordinators left out.</summary>
    public TimeSpan Worked { get; init; }

    /// <summary>Whether no further trial is begun until the user says so.</summary>
    public bool IsPaused { get; init; }

    /// <summary>What the user wants of trials, by their numbers; of no meaning for those that have ended.</summary>
    public ImmutableDictionary<int, TrialWish> Wishes { get; init; } = [];

    /// <summary>The same with one trial replaced.</summary>
    public ExperimentState With(TrialState trial) => this with { Trials = Trials.SetItem(trial.Number - 1, trial) };

    /// <summary>The trial of that name.</summary>
    public TrialState? Find(string name) => Trials.FirstOrDefault(t => t.Name == name);
}

/// <summary>How an experiment ended, in Katib's words.</summary>
public sealed record Outcome(bool Succeeded, string Reason, string Message)
{
    /// <summary>A trial is as good as the user asked for.</summary>
    public static Outcome GoalReached { get; } = new(
        true, "ExperimentGoalReached", "Experiment has succeeded because Objective goal has reached");

    /// <summary>The budget is spent.</summary>
    public static Outcome MaxTrialsReached { get; } = new(
        true, "ExperimentMaxTrialsReached", "Experiment has succeeded because max trial count has reached");

    /// <summary>The time for it is spent.</summary>
    public static Outcome MaxDurationReached { get; } = new(
        true, "ExperimentMaxDurationReached", "Experiment has succeeded because max duration has reached");

    /// <summary>Every point of the space has been tried.</summary>
    public static Outcome SuggestionEndReached { get; } = new(
        true, "ExperimentSuggestionEndReached", "Experiment has succeeded because suggestion service has reached the end");

    /// <summary>Too many trials have failed.</summary>
    public static Outcome MaxFailedReached { get; } = new(
        false, "ExperimentFailed", "Experiment has failed because max failed count has reached");

    /// <summary>The user wants no more of it. Katib has no such end; a failed one stays as it is, results included.</summary>
    public static Outcome Stopped { get; } = new(
        false, "ExperimentStopped", "Experiment was stopped before its end");

    /// <summary>The algorithm refuses the experiment.</summary>
    public static Outcome SuggestionFailed(string details) => new(
        false, "ExperimentFailed", $"Suggestion has failed: {details}");
}
