namespace Katib.Driver;

/// <summary>What may go wrong around a service, each with its probability.</summary>
public sealed record Faults
{
    /// <summary>Nothing goes wrong: every trial succeeds and every reply arrives.</summary>
    public static Faults None { get; } = new();

    /// <summary>Everything goes wrong now and then.</summary>
    public static Faults All { get; } = new()
    {
        TrialGoesWrong = 0.4,
        OddMetric = 0.1,
        ReplyLost = 0.2,
        ServiceRestarted = 0.1,
        ReplicaSwapped = 0.5,
        ParallelismDropped = 0.15,
        NamesakeLeaked = 0.5,
        BudgetRaised = 0.1,
    };

    /// <summary>Per trial: it fails, is killed, is stopped early or ends without metrics.</summary>
    public double TrialGoesWrong { get; init; }

    /// <summary>Per trial that has a metric: its value is no finite number, or is missing.</summary>
    public double OddMetric { get; init; }

    /// <summary>Per call: the reply does not arrive, and the same question is asked again.</summary>
    public double ReplyLost { get; init; }

    /// <summary>Per call: the service is killed and started before it.</summary>
    public double ServiceRestarted { get; init; }

    /// <summary>Per call: any replica answers, and not the one before.</summary>
    public double ReplicaSwapped { get; init; }

    /// <summary>Per round: the user lowers parallelTrialCount, and the controller deletes the newest trials.</summary>
    public double ParallelismDropped { get; init; }

    /// <summary>Per call: the trials of an experiment of the same name in another namespace are sent along.</summary>
    public double NamesakeLeaked { get; init; }

    /// <summary>
    /// Per round: the user raises maxTrialCount. The experiment then starts with half of its budget, and gets all of it
    /// at the latest when it has ended, which restarts it.
    /// </summary>
    public double BudgetRaised { get; init; }
}
