namespace Katib.Coordinator;

/// <summary>Something that has happened to an experiment, for those who watch it.</summary>
/// <param name="Message">What, as a sentence.</param>
public sealed partial record ExperimentStep(string Message)
{
    /// <summary>The trial that it has happened to; null when to the experiment as a whole.</summary>
    public string? Trial { get; init; }

    /// <summary>Why, in one word; null where the sentence says all.</summary>
    public string? Reason { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Trial is null ? Message : $"{Trial}: {Message}";

    /// <summary>Logs it, with its parts and the experiment's name as fields.</summary>
    public void LogTo(ILogger logger, string experiment)
    {
        if (Trial is null)
        {
            Log.Experiment(logger, experiment, Message);
        }
        else
        {
            Log.Trial(logger, experiment, Trial, Message, Reason);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Experiment}: {Message}")]
        public static partial void Experiment(ILogger logger, string experiment, string message);

        [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "{Experiment}: {Trial}: {Message} ({Reason})")]
        public static partial void Trial(ILogger logger, string experiment, string trial, string message, string? reason);
    }
}
