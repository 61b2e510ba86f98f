namespace Katib.Coordinator.Experiments;

/// <summary>How long an experiment and its trials may take, and which failed trials are tried again.</summary>
public sealed record RunPolicy
{
    /// <summary>What holds without a word of the user: a trial that the machine has lost is tried again.</summary>
    public static RunPolicy Default { get; } = new();

    /// <summary>How often a trial is tried again, by what it has failed of.</summary>
    public RetryLimits Retries { get; init; } = new(Infra: 9, Oom: 0, User: 0);

    /// <summary>How long one attempt at a trial may run; null for as long as it likes.</summary>
    public TimeSpan? TrialTimeout { get; init; }

    /// <summary>Whether a trial that has run out of time counts as early stopped, with what it has reported.</summary>
    public bool KeepsTimedOut { get; init; }

    /// <summary>Whether trials that run when the experiment ends may run to their own ends first.</summary>
    public bool LetsTrialsFinish { get; init; }

    /// <summary>Of which trials the workers are kept; null where the template's <c>retain</c> decides.</summary>
    public KeepPolicy? Keeps { get; init; }

    /// <summary>How long the experiment may take from its beginning; null for as long as it likes.</summary>
    public TimeSpan? MaxDuration { get; init; }
}

/// <summary>Of which trials that came to their own end the worker is kept, to be looked into: its container, with its files.</summary>
/// <remarks>Logs and results are kept of all of them.</remarks>
public enum KeepPolicy
{
    /// <summary>Of none.</summary>
    None,

    /// <summary>Of those that failed, with each of their attempts.</summary>
    Failed,

    /// <summary>Of all; what Katib calls <c>retain</c>.</summary>
    All,
}

/// <summary>How often a trial is tried again after each class of failures; 0 for never.</summary>
public sealed record RetryLimits(int Infra, int Oom, int User)
{
    /// <summary>The limit of one class.</summary>
    public int Of(FailureClass failure) => failure switch
    {
        FailureClass.Infra => Infra,
        FailureClass.Oom => Oom,
        _ => User,
    };
}

/// <summary>What a trial has failed of.</summary>
public enum FailureClass
{
    /// <summary>What runs it: the machine restarted, a container was removed, a node was taken away.</summary>
    Infra,

    /// <summary>It needed more memory than it may have.</summary>
    Oom,

    /// <summary>Its own program: an exit code, a command that is not there, too long a run.</summary>
    User,
}

/// <summary>An attempt at a trial that has failed.</summary>
/// <param name="Attempt">Its number.</param>
/// <param name="Class">What it has failed of.</param>
/// <param name="Code">Its exit code; null when there was none.</param>
/// <param name="Reason">Why, in one word.</param>
/// <param name="EndedAt">When.</param>
public sealed record FailedAttempt(int Attempt, FailureClass Class, int? Code, string Reason, DateTimeOffset EndedAt);
