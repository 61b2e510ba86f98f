using System.Collections.Concurrent;
using System.Collections.Immutable;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Metrics;
using Katib.Coordinator.Storage;

namespace Katib.Coordinator.Pushing;

/// <summary>Why a call about observations is refused.</summary>
internal enum PushRefusal
{
    /// <summary>It bears no token.</summary>
    NoToken,

    /// <summary>Its token is not the one for this.</summary>
    WrongToken,

    /// <summary>There is no such trial.</summary>
    NotFound,

    /// <summary>The trial takes nothing now, or is not to be touched yet.</summary>
    NotNow,

    /// <summary>Nobody works on the experiment here just now.</summary>
    Unavailable,

    /// <summary>What is reported or asked for is wrong.</summary>
    Invalid,
}

/// <summary>A call about observations is refused; the message says why and what to do.</summary>
internal sealed class PushException(PushRefusal refusal, string message) : Exception(message)
{
    /// <summary>Why, for the status code.</summary>
    public PushRefusal Refusal => refusal;
}

/// <summary>Who may report, read and delete what: the one place behind Katib's DBManager contract and its short form over HTTP.</summary>
/// <remarks>Safe to use from any thread.</remarks>
/// <param name="location">The store that observations are read from.</param>
/// <param name="isOperator">Whether a token is that of an operator, who may do everything; null where there is none.</param>
/// <param name="allowAnonymous">Whether a call without a token may do everything, as in Katib.</param>
/// <param name="time">The clock.</param>
internal sealed class PushDesk(StoreLocation location, Func<string, bool>? isOperator, bool allowAnonymous, TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Namespace, string Experiment), (IPushTarget Target, string Secret)> _targets = [];

    /// <summary>Takes reports for an experiment, until disposed of.</summary>
    public IDisposable Open(IPushTarget target, string secret)
    {
        var key = (target.Spec.Namespace, target.Spec.Name);
        _targets[key] = (target, secret);
        return new Opened(() => _targets.TryRemove(new(key, (target, secret))));
    }

    /// <summary>Saves what a trial reports; values of metrics that the experiment does not name are left out.</summary>
    /// <param name="token">The caller's; null for none.</param>
    /// <param name="trial">The trial's name; null for the one that the token names.</param>
    /// <param name="points">The values.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The names that were left out.</returns>
    /// <exception cref="PushException">Nothing was saved.</exception>
    public async Task<ImmutableArray<string>> ReportAsync(
        string? token, string? trial, ImmutableArray<MetricPoint> points, CancellationToken cancellationToken)
    {
        var claim = ClaimOf(token, trial);
        var (target, secret) = TargetOf(claim);
        var state = target.State.Find(claim.Trial);
        ThrowIfNotAllowed(claim, state, target.Spec, secret);
        if (state is null)
        {
            throw new PushException(PushRefusal.NotFound, $"The experiment '{target.Spec.Name}' has no trial '{claim.Trial}'.");
        }

        try
        {
            if (await target.PushAsync(state, PushIdentity.Mark(points), cancellationToken) is { } reason)
            {
                throw new PushException(PushRefusal.NotNow, reason);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Away(claim.Trial);
        }

        var known = target.Spec.Objective.AllMetricNames;
        return [.. points.Select(static p => p.Metric).Distinct().Where(name => !known.Contains(name))];
    }

    /// <summary>What a trial has reported.</summary>
    /// <exception cref="PushException">It is not shown.</exception>
    public async Task<ImmutableArray<MetricPoint>> ReadAsync(
        string? token,
        string? trial,
        string? metric,
        DateTimeOffset? from,
        DateTimeOffset? to,
        CancellationToken cancellationToken)
    {
        await using var store = await ExperimentStore.OpenAsync(location, time, isPatient: false, cancellationToken);
        var found = await FindAsync(store, token, trial, cancellationToken);
        return await store.ReadLogAsync(found.Experiment, found.State.Number, metric, from, to, cancellationToken);
    }

    /// <summary>Deletes what a trial that has ended has reported, as an operator.</summary>
    /// <exception cref="PushException">It is not deleted.</exception>
    public async Task DeleteAsync(string? token, string trial, CancellationToken cancellationToken)
    {
        if (token is not null && isOperator?.Invoke(token) is not true)
        {
            throw new PushException(PushRefusal.WrongToken, "A trial's token may report and read, not delete; use the coordinator's own.");
        }

        await using var store = await ExperimentStore.OpenAsync(location, time, isPatient: false, cancellationToken);
        var found = await FindAsync(store, token, trial, cancellationToken);
        if (found.State.IsActive)
        {
            throw new PushException(PushRefusal.NotNow, $"The trial '{trial}' has not ended; stop it, or wait for its end.");
        }

        await store.DeleteLogAsync(found.Experiment, found.State.Number, cancellationToken);
    }

    private async Task<StoredTrial> FindAsync(
        ExperimentStore store, string? token, string? trial, CancellationToken cancellationToken)
    {
        if (token is not null && PushToken.ReaderOf(token) is (var @namespace, var experiment) && trial is not null)
        {
            return PushToken.Equals(token, PushToken.OfReader(store.Secret, @namespace, experiment))
                && await store.FindTrialAsync(@namespace, trial, cancellationToken) is { } theirs
                && theirs.ExperimentName == experiment
                    ? theirs
                    : throw Wrong(trial);
        }

        var claim = ClaimOf(token, trial);
        StoredTrial? found;
        try
        {
            found = await store.FindTrialAsync(claim.Namespace, claim.Trial, cancellationToken);
        }
        catch (StoreException ambiguous) when (ambiguous.InnerException is null)
        {
            throw new PushException(PushRefusal.NotNow, $"{ambiguous.Message} Use the trial's own token.");
        }

        if (!claim.IsTrusted && (found is null
            || !PushToken.Equals(token!, PushToken.OfTrial(store.Secret, found.Namespace, found.State))))
        {
            throw Wrong(claim.Trial);
        }

        return found ?? throw new PushException(PushRefusal.NotFound, $"There is no trial '{claim.Trial}'.");
    }

    /// <summary>Whom a call speaks for, as it says itself; to be proved unless trusted.</summary>
    private Claim ClaimOf(string? token, string? trial)
    {
        if (token is null && !allowAnonymous)
        {
            throw new PushException(
                PushRefusal.NoToken, "There is no token: send KATIB_PUSH_TOKEN of the trial's environment as 'authorization: Bearer ...'.");
        }

        if (token is null || isOperator?.Invoke(token) is true)
        {
            return trial is { Length: > 0 }
                ? new(token, null, trial, IsTrusted: true)
                : throw new PushException(PushRefusal.Invalid, "trial_name is empty; name the trial.");
        }

        return PushToken.TrialOf(token) is (var @namespace, var own) && (trial is null or "" || trial == own)
            ? new(token, @namespace, own, IsTrusted: false)
            : throw Wrong(trial ?? "");
    }

    private (IPushTarget Target, string Secret) TargetOf(Claim claim)
    {
        var cut = claim.Trial.LastIndexOf('-');
        var experiment = cut > 0 ? claim.Trial[..cut] : claim.Trial;
        var found = claim.Namespace is { } @namespace
            ? _targets.TryGetValue((@namespace, experiment), out var one) ? [one] : []
            : _targets.Where(t => t.Key.Experiment == experiment).Select(static t => t.Value).ToArray();
        return found switch
        {
            [var target] => target,
            [] => throw Away(claim.Trial),
            _ => throw new PushException(
                PushRefusal.NotNow, $"Several namespaces have a trial '{claim.Trial}'; use the trial's own token."),
        };
    }

    private static void ThrowIfNotAllowed(Claim claim, TrialState? trial, ExperimentSpec spec, string secret)
    {
        if (!claim.IsTrusted && (trial is null || !PushToken.Equals(claim.Token!, PushToken.OfTrial(secret, spec.Namespace, trial))))
        {
            throw Wrong(claim.Trial);
        }
    }

    private static PushException Wrong(string trial) => new(
        PushRefusal.WrongToken,
        $"This is not the token of the trial '{trial}' and its present attempt; send KATIB_PUSH_TOKEN of its own environment.");

    private static PushException Away(string trial) => new(
        PushRefusal.Unavailable, $"Nobody works on the experiment of the trial '{trial}' here just now; try again in a moment.");

    private sealed record Claim(string? Token, string? Namespace, string Trial, bool IsTrusted);

    private sealed class Opened(Action close) : IDisposable
    {
        public void Dispose() => close();
    }
}
