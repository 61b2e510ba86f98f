namespace Katib.Coordinator.Runners.Attempts;

/// <summary>How long an attempt may run, by the smaller of the template's deadline and the experiment's timeout.</summary>
internal sealed record TimeLimit(TimeSpan Span, bool IsTimeout)
{
    public static TimeLimit? Of(TimeSpan? deadline, TimeSpan? timeout) => (deadline, timeout) switch
    {
        (null, null) => null,
        (var template, { } own) when template is null || own < template => new(own, IsTimeout: true),
        _ => new(deadline!.Value, IsTimeout: false),
    };
}
