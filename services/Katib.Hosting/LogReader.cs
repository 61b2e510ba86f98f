using System.Collections.Concurrent;
using System.Collections.Immutable;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting;

/// <summary>Reads what trials have reported from a DB manager: Katib's, or our coordinator.</summary>
/// <remarks>
/// What is kept saves reading and changes nothing: of a trial that has ended, the few numbers that a rule makes of its log, by
/// the database, the trial with its times, the metric and the rule. A thousand ended trials would else be read a thousand times over.
/// </remarks>
internal sealed class LogReader(TimeProvider time) : IDisposable
{
    private const string Authorization = "authorization";
    private const int AtOnce = 8;
    private const int MaxManagers = 16;
    private const int MaxKept = 20_000;
    private const int MaxLogBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, GrpcChannel> _managers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Manager, string Trial, string Times, string Metric, string Rule), ImmutableArray<double>> _kept = [];

    /// <summary>What counts of each of the trials.</summary>
    /// <exception cref="RpcException">The address is wrong, or the DB manager does not answer or refuses.</exception>
    public async Task<ImmutableArray<double>[]> SummarizeAsync(
        string manager, string metric, Wire.Trial[] trials, IStoppingPlan plan, string rule, ServerCallContext call)
    {
        var summaries = new ImmutableArray<double>[trials.Length];
        var client = new Wire.DBManager.DBManagerClient(ChannelTo(manager));
        var headers = new Metadata();

        // Who may ask for rules may read what they are made of: our coordinator wants to know who reads.
        if (call.RequestHeaders.GetValue(Authorization) is { } authorization)
        {
            headers.Add(Authorization, authorization);
        }

        var latest = (time.GetUtcNow() + Patience).UtcDateTime;
        var options = new CallOptions(headers, call.Deadline < latest ? call.Deadline : latest, call.CancellationToken);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, trials.Length),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = call.CancellationToken },
            async (i, _) => summaries[i] = await SummarizeAsync(client, options, manager, metric, trials[i], plan, rule));
        return summaries;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var channel in _managers.Values)
        {
            channel.Dispose();
        }
    }

    private async Task<ImmutableArray<double>> SummarizeAsync(
        Wire.DBManager.DBManagerClient client,
        CallOptions options,
        string manager,
        string metric,
        Wire.Trial trial,
        IStoppingPlan plan,
        string rule)
    {
        var key = (manager, trial.Name, $"{trial.Status?.StartTime}/{trial.Status?.CompletionTime}", metric, rule);
        if (_kept.TryGetValue(key, out var kept))
        {
            return kept;
        }

        var reports = plan.Summarize(await ReadAsync(client, options, manager, metric, trial.Name));
        if (trial.Status?.CompletionTime is { Length: > 0 })
        {
            if (_kept.Count >= MaxKept)
            {
                _kept.Clear();
            }

            _kept[key] = reports;
        }

        return reports;
    }

    private static async Task<IEnumerable<double>> ReadAsync(
        Wire.DBManager.DBManagerClient client, CallOptions options, string manager, string metric, string trial)
    {
        try
        {
            var reply = await client.GetObservationLogAsync(new() { TrialName = trial, MetricName = metric }, options);
            return (reply.ObservationLog?.MetricLogs ?? [])
                .Where(log => log.Metric?.Name == metric)
                .Select(static log => Numbers.TryParseReported(log.Metric.Value, out var value) ? value : double.NaN);
        }
        catch (RpcException failure) when (failure.StatusCode is not StatusCode.Cancelled)
        {
            // Katib's client asks again after UNAVAILABLE.
            throw ErrorInterceptor.Refusal(
                StatusCode.Unavailable,
                $"The DB manager at {manager} did not tell what the trial '{trial}' has reported "
                + $"({failure.StatusCode}: {failure.Status.Detail}); see that it runs and that it is reached from here.");
        }
    }

    private GrpcChannel ChannelTo(string manager)
    {
        if (_managers.TryGetValue(manager, out var known))
        {
            return known;
        }

        var text = manager.Contains("://", StringComparison.Ordinal) ? manager : $"http://{manager}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
            || address.Host.Length is 0
            || address.PathAndQuery is not "/"
            || address.Port <= 0
            || address.UserInfo.Length > 0)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.InvalidArgument, $"db_manager_address '{manager}' must be HOST:PORT, for instance katib-db-manager.kubeflow:6789");
        }

        if (_managers.Count >= MaxManagers)
        {
            throw ErrorInterceptor.Refusal(
                StatusCode.ResourceExhausted, $"db_manager_address '{manager}' would be number {MaxManagers + 1}; one instance reads from {MaxManagers}.");
        }

        var channel = GrpcChannel.ForAddress(
            address,
            new() { HttpHandler = new SocketsHttpHandler { UseProxy = false }, DisposeHttpClient = true, MaxReceiveMessageSize = MaxLogBytes });
        var used = _managers.GetOrAdd(manager, channel);
        if (used != channel)
        {
            channel.Dispose();
        }

        return used;
    }
}
