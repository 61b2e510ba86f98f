using System.Collections.Immutable;
using Grpc.Core;
using Grpc.Net.Client;
using Katib.Coordinator.Experiments;
using Wire = Api.V1.Beta1;

namespace Katib.Coordinator.Suggesting;

/// <summary>Calls one early stopping service, as Katib's controller does, but again and again while trials run.</summary>
/// <remarks>The service reads what trials have reported at <c>manager</c>, a HOST:PORT of Katib's DBManager contract, with <c>token</c>.</remarks>
public sealed class StoppingClient(Uri endpoint, string manager, string token, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly GrpcChannel _channel = ServiceChannel.Open(endpoint, SuggestionTls.FromEnvironment());
    private readonly RequestMapping _mapping = new();

    private Wire.EarlyStopping.EarlyStoppingClient Client => new(_channel);

    private string Service => $"early stopping service at {endpoint}";

    /// <summary>Lets the service check the settings before anything is run.</summary>
    /// <exception cref="SuggestionRefusedException">They are wrong.</exception>
    /// <exception cref="SuggestionUnavailableException">The service does not answer.</exception>
    public async Task ValidateAsync(ExperimentSpec spec, CancellationToken cancellationToken)
    {
        var request = new Wire.ValidateEarlyStoppingSettingsRequest { EarlyStopping = RequestMapping.ToWire(spec.EarlyStopping!) };
        try
        {
            _ = await Client.ValidateEarlyStoppingSettingsAsync(request, Options(cancellationToken));
        }
        catch (RpcException unimplemented) when (unimplemented.StatusCode is StatusCode.Unimplemented)
        {
            // As in Katib: a service need not validate.
        }
        catch (RpcException failure)
        {
            throw ServiceChannel.Translate(Service, failure, cancellationToken);
        }
    }

    /// <summary>The rules that hold for all trials as the experiment stands.</summary>
    /// <exception cref="SuggestionRefusedException">The service refuses the experiment, or its rules make no sense.</exception>
    /// <exception cref="SuggestionUnavailableException">The service does not answer.</exception>
    public async Task<ImmutableArray<StoppingRule>> AskAsync(
        ExperimentSpec spec, ExperimentState state, CancellationToken cancellationToken)
    {
        // Of results from elsewhere only the last value is known.
        var known = _mapping.ToRequest(spec with { PriorResults = [] }, state, count: 0);
        var request = new Wire.GetEarlyStoppingRulesRequest { Experiment = known.Experiment, DbManagerAddress = manager };
        request.Trials.Add(known.Trials);
        try
        {
            var reply = await Client.GetEarlyStoppingRulesAsync(request, Options(cancellationToken));
            return [.. reply.EarlyStoppingRules.Select(RuleOf)];
        }
        catch (RpcException failure)
        {
            throw ServiceChannel.Translate(Service, failure, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private StoppingRule RuleOf(Wire.EarlyStoppingRule rule) => new(
        rule.Name,
        Numbers.TryParseReported(rule.Value, out var value) && !double.IsNaN(value)
            ? value
            : throw new SuggestionRefusedException($"The {Service} answered with a rule for '{rule.Name}' whose value is '{rule.Value}'."),
        rule.Comparison switch
        {
            Wire.ComparisonType.Equal => StoppingComparison.Equal,
            Wire.ComparisonType.Less => StoppingComparison.Less,
            Wire.ComparisonType.Greater => StoppingComparison.Greater,
            _ => throw new SuggestionRefusedException($"The {Service} answered with a rule for '{rule.Name}' that compares by nothing."),
        },
        rule.StartStep);

    private CallOptions Options(CancellationToken cancellationToken) => new(
        new Metadata { { "authorization", $"Bearer {token}" } }, (time.GetUtcNow() + Deadline).UtcDateTime, cancellationToken);
}
