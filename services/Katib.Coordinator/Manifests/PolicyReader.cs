using System.Globalization;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The annotations that say how long things may take and what is tried again.</summary>
public static class PolicyReader
{
    /// <summary>How often a trial is tried again: <c>infra=3, oom=1, user=0</c>.</summary>
    public const string Retry = "tuning.katib/retry";

    /// <summary>How long a trial may run: <c>30m</c>, or <c>30m keep</c> to keep what it has reported.</summary>
    public const string TrialTimeout = "tuning.katib/trial-timeout";

    /// <summary>How long the experiment may take: <c>8h</c>.</summary>
    public const string MaxDuration = "tuning.katib/max-duration";

    /// <summary>What becomes of trials that run when the experiment ends: <c>stop</c>, or <c>finish</c>.</summary>
    public const string AtEnd = "tuning.katib/at-end";

    /// <summary>Of which trials the workers are kept: <c>none</c>, <c>failed</c> or <c>all</c>.</summary>
    public const string Keep = "tuning.katib/keep";

    private const int MaxRetries = 100;
    private const string Stop = "stop";
    private const string Finish = "finish";
    private const string KeepTimedOut = "keep";

    /// <summary>In the order of <see cref="KeepPolicy"/>.</summary>
    private static readonly string[] Keeps = ["none", "failed", "all"];

    private static readonly string[] Classes = ["infra", "oom", "user"];

    /// <summary>What the annotations say; each is checked, and what they leave out is the default.</summary>
    internal static RunPolicy Read(Field annotations)
    {
        var policy = RunPolicy.Default;
        if (annotations[Retry] is { IsSet: true } retry)
        {
            policy = policy with { Retries = ReadRetries(retry, policy.Retries) };
        }

        if (annotations[TrialTimeout] is { IsSet: true } timeout)
        {
            var words = timeout.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            policy = policy with
            {
                TrialTimeout = ReadDuration(timeout, words is [var text, KeepTimedOut] ? text : timeout.Value, $", and '{KeepTimedOut}' behind it to keep what such a trial has reported"),
                KeepsTimedOut = words is [_, KeepTimedOut],
            };
        }

        if (annotations[AtEnd] is { IsSet: true } end)
        {
            if (end.Value is not (Stop or Finish))
            {
                end.MustBeOneOf(Stop, Finish);
            }

            policy = policy with { LetsTrialsFinish = end.Value is Finish };
        }

        if (annotations[Keep] is { IsSet: true } keep)
        {
            var index = Array.IndexOf(Keeps, keep.Value);
            if (index < 0)
            {
                keep.MustBeOneOf(Keeps);
            }

            policy = policy with { Keeps = (KeepPolicy)Math.Max(0, index) };
        }

        return annotations[MaxDuration] is { IsSet: true } duration
            ? policy with { MaxDuration = ReadDuration(duration, duration.Value, "") }
            : policy;
    }

    private static TimeSpan? ReadDuration(Field field, string text, string furtherRemedy)
    {
        if (DurationText.TryParse(text, out var span))
        {
            return span;
        }

        field.Wrong($"is no span of time; {DurationText.Remedy}{furtherRemedy}");
        return null;
    }

    private static RetryLimits ReadRetries(Field field, RetryLimits limits)
    {
        foreach (var part in field.Value.Trim().Trim('{', '}').Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part.Split(['=', ':'], StringSplitOptions.TrimEntries) is not [var name, var text] || !Classes.Contains(name)
                || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > MaxRetries)
            {
                field.Wrong($"has '{part}' in it; write how often each class of failures is tried again, at most {MaxRetries} times: "
                    + "infra=3, oom=1, user=0");
                break;
            }

            limits = name switch
            {
                "infra" => limits with { Infra = count },
                "oom" => limits with { Oom = count },
                _ => limits with { User = count },
            };
        }

        return limits;
    }
}
