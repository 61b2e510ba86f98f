using Grpc.Core;
using Grpc.Net.Client;
using Wire = Api.V1.Beta1;

namespace Katib.Driver;

/// <summary>The controller's calls, with all that happens to calls.</summary>
internal sealed class SuggestionCalls(
    Faults faults,
    IReadOnlyList<IReplica> replicas,
    Dice dice,
    Action<string> happened,
    Action<Wire.GetSuggestionsRequest, Wire.GetSuggestionsReply> answered)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private int _replica;

    public List<string> Problems { get; } = [];

    public List<string> Refusals { get; } = [];

    public Task ValidateAsync(Wire.Experiment experiment, CancellationToken cancellationToken) => CallAsync(
        async (client, options) =>
            await client.ValidateAlgorithmSettingsAsync(new() { Experiment = experiment }, options),
        cancellationToken);

    /// <summary>The reply, or null when the service refuses.</summary>
    public async Task<Wire.GetSuggestionsReply?> AskAsync(
        Wire.GetSuggestionsRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await OnceAsync(request, cancellationToken);
            if (!dice.Chance(faults.ReplyLost))
            {
                return reply;
            }

            happened(nameof(Faults.ReplyLost));
            var trials = dice.Shuffle(request.Trials);
            request.Trials.Clear();
            request.Trials.Add(trials);
            var again = await OnceAsync(request, cancellationToken);
            if (!again.Equals(reply))
            {
                Problems.Add($"The same question was answered otherwise: {TextOf(reply)}; then {TextOf(again)}");
            }

            return again;
        }
        catch (RpcException refused)
        {
            Refusals.Add($"{refused.StatusCode}: {refused.Status.Detail}");
            return null;
        }
    }

    private static string TextOf(Wire.GetSuggestionsReply reply) =>
        string.Join(" | ", reply.ParameterAssignments.Select(static p => p.ToString()));

    private async Task<Wire.GetSuggestionsReply> OnceAsync(
        Wire.GetSuggestionsRequest request, CancellationToken cancellationToken)
    {
        if (dice.Chance(faults.ReplicaSwapped))
        {
            happened(nameof(Faults.ReplicaSwapped));
            _replica = dice.Below(replicas.Count);
        }

        if (dice.Chance(faults.ServiceRestarted))
        {
            happened(nameof(Faults.ServiceRestarted));
            await replicas[_replica].RestartAsync(cancellationToken);
        }

        var reply = await CallAsync(
            async (client, options) => await client.GetSuggestionsAsync(request, options), cancellationToken);
        answered(request, reply);
        return reply;
    }

    /// <summary>One call on a channel of its own, as the controller makes it.</summary>
    private async Task<T> CallAsync<T>(
        Func<Wire.Suggestion.SuggestionClient, CallOptions, Task<T>> call, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout);
        using var channel = GrpcChannel.ForAddress(replicas[_replica].Address);
        return await call(new(channel), new(cancellationToken: timeout.Token));
    }
}
