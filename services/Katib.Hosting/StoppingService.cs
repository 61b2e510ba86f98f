using System.Collections.Immutable;
using Grpc.Core;
using Katib.Proto;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>Rules for early stopping, and the names that experiments ask for them by.</summary>
internal sealed record ServedRules(ImmutableArray<(string Name, IStoppingRule Rule)> All)
{
    /// <summary>The rule that is asked for, with its settings; the first one where none is named.</summary>
    /// <exception cref="InvalidStudyException">It is not served here, or its settings are wrong.</exception>
    public (IStoppingRule Rule, IStoppingPlan Plan, string Key) For(Wire.EarlyStoppingSpec? spec, bool maximize)
    {
        var name = spec?.AlgorithmName is { Length: > 0 } given ? given : All[0].Name;
        var rule = All.FirstOrDefault(r => r.Name == name).Rule
            ?? throw new InvalidStudyException([new(
                "earlyStopping.algorithmName",
                name,
                $"is not served here; this service has {string.Join(", ", All.Select(static r => r.Name))}",
                $"unknown algorithm name {name}")]);
        ImmutableArray<KeyValuePair<string, string>> settings =
            [.. (spec?.AlgorithmSettings ?? []).Select(static s => KeyValuePair.Create(s.Name, s.Value))];
        var plan = rule.Plan(new(name, settings) { Field = "earlyStopping" }, maximize);
        return (rule, plan, string.Join('\n', [name, maximize ? "-" : "+", .. settings.Select(static s => $"{s.Key}={s.Value}")]));
    }
}

/// <summary>Katib's EarlyStopping service: what trials have reported is read from the DB manager that the request names.</summary>
/// <remarks>No state but what saves reading: the reply follows from the request and from what lies in the database.</remarks>
internal sealed class StoppingService(ServedRules rules, LogReader logs, TrialConditions conditions, Admission admission)
{
    /// <summary>The rules by which running trials, and those to come, are given up.</summary>
    public async Task<Wire.GetEarlyStoppingRulesReply> GetEarlyStoppingRules(
        Received<UnreadRulesRequest> received, ServerCallContext context)
    {
        var experiment = received.Message.Experiment?.Name ?? "";
        using var work = await admission.SearchAsync(experiment, context.CancellationToken);
        var request = received.Take();
        var objective = request.Experiment?.Spec?.Objective;
        var maximize = objective?.Type is Wire.ObjectiveType.Maximize;
        var (rule, plan, key) = rules.For(request.Experiment?.Spec?.EarlyStopping, maximize);
        Wire.Trial[] counted =
        [
            .. request.Trials.Select(static t => Wire.Trial.Parser.ParseFrom(t.Span)).Where(t => rule.Counts(WireMapping.StatusOf(t))),
        ];
        var reply = new Wire.GetEarlyStoppingRulesReply();
        if (counted.Length is 0)
        {
            return reply;
        }

        var summaries = await logs.SummarizeAsync(
            request.DbManagerAddress, objective?.ObjectiveMetricName ?? "", counted, plan, key, context);
        reply.EarlyStoppingRules.Add(plan.Decide(summaries).Select(threshold => new Wire.EarlyStoppingRule
        {
            Name = objective?.ObjectiveMetricName ?? "",
            Value = double.IsFinite(threshold.Value) ? Numbers.Format(threshold.Value) : threshold.Value > 0 ? "inf" : "-inf",
            Comparison = maximize ? Wire.ComparisonType.Less : Wire.ComparisonType.Greater,
            StartStep = threshold.StartStep,
        }));
        return reply;
    }

    /// <summary>Refuses wrong settings.</summary>
    public Task<Wire.ValidateEarlyStoppingSettingsReply> ValidateEarlyStoppingSettings(
        Received<Wire.ValidateEarlyStoppingSettingsRequest> received, ServerCallContext context)
    {
        _ = rules.For(received.Take().EarlyStopping ?? new(), maximize: false);
        return Task.FromResult(new Wire.ValidateEarlyStoppingSettingsReply());
    }

    /// <summary>Marks a trial as early stopped for Katib's controller.</summary>
    public async Task<Wire.SetTrialStatusReply> SetTrialStatus(
        Received<Wire.SetTrialStatusRequest> received, ServerCallContext context)
    {
        await conditions.StopEarlyAsync(received.Take().TrialName, context.CancellationToken);
        return new();
    }
}
