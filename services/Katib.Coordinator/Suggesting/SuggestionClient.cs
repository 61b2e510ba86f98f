using System.Collections.Immutable;
using Grpc.Core;
using Grpc.Net.Client;
using Katib.Coordinator.Experiments;
using Wire = Api.V1.Beta1;

namespace Katib.Coordinator.Suggesting;

/// <summary>What an algorithm service has answered.</summary>
/// <param name="Points">The proposed points, as many as were asked for; none when the search is at its end.</param>
/// <param name="SettingsEcho">Settings that it wants to hear again.</param>
/// <param name="IsExhausted">It has suggested every point and repeats none.</param>
public sealed record SuggestionReply(
    ImmutableArray<ImmutableArray<Assignment>> Points,
    ImmutableArray<KeyValuePair<string, string>> SettingsEcho,
    bool IsExhausted);

/// <summary>The service refuses the experiment; asking again is of no use.</summary>
public sealed class SuggestionRefusedException(string message) : Exception(message);

/// <summary>The service cannot be reached or is at fault; asking again later may help.</summary>
public sealed class SuggestionUnavailableException(string message, Exception inner) : Exception(message, inner);

/// <summary>Calls one algorithm service, as Katib's controller does, but with retries.</summary>
public sealed class SuggestionClient : IDisposable
{
    private readonly Uri _endpoint;
    private readonly TimeProvider _time;
    private readonly GrpcChannel _channel;
    private readonly Wire.Suggestion.SuggestionClient _client;
    private readonly RequestMapping _mapping = new();

    /// <summary>How long a call may take with all its retries; Katib's limit unless set.</summary>
    internal TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Connects to a service, for instance <c>http://127.0.0.1:6789</c>, or <c>https</c> by the environment.</summary>
    /// <exception cref="SuggestionRefusedException">What the environment says about certificates is wrong.</exception>
    public SuggestionClient(Uri endpoint, TimeProvider time)
        : this(endpoint, time, SuggestionTls.FromEnvironment())
    {
    }

    /// <summary>Connects to a service; the certificates are for https alone.</summary>
    internal SuggestionClient(Uri endpoint, TimeProvider time, SuggestionTls tls)
    {
        _endpoint = endpoint;
        _time = time;
        _channel = ServiceChannel.Open(endpoint, tls);
        _client = new(_channel);
    }

    /// <summary>Lets the service check the experiment before anything is run.</summary>
    /// <exception cref="SuggestionRefusedException">The experiment is wrong.</exception>
    /// <exception cref="SuggestionUnavailableException">The service does not answer.</exception>
    public async Task ValidateAsync(ExperimentSpec spec, CancellationToken cancellationToken)
    {
        var request = new Wire.ValidateAlgorithmSettingsRequest { Experiment = RequestMapping.ToWire(spec, []) };
        using var call = Trace(spec, "ValidateAlgorithmSettings");
        try
        {
            _ = await _client.ValidateAlgorithmSettingsAsync(request, Options(call, cancellationToken));
        }
        catch (RpcException unimplemented) when (unimplemented.StatusCode is StatusCode.Unimplemented)
        {
            // As in Katib: a service need not validate.
        }
        catch (RpcException failure)
        {
            call.Fail(failure.StatusCode);
            throw Translate(failure, cancellationToken);
        }
    }

    /// <summary>Asks for so many points.</summary>
    /// <exception cref="SuggestionRefusedException">The experiment is wrong.</exception>
    /// <exception cref="SuggestionUnavailableException">The service does not answer, or not with what was asked for.</exception>
    public async Task<SuggestionReply> SuggestAsync(
        ExperimentSpec spec, ExperimentState state, int count, CancellationToken cancellationToken)
    {
        using var call = Trace(spec, "GetSuggestions");
        try
        {
            var reply = await _client.GetSuggestionsAsync(
                _mapping.ToRequest(spec, state, count), Options(call, cancellationToken));
            var points = RequestMapping.FromReply(reply);
            ThrowIfUnexpected(spec, reply, points, count);
            return new(points, RequestMapping.EchoOf(reply), IsExhausted: false);
        }
        catch (RpcException exhausted) when (exhausted.StatusCode is StatusCode.OutOfRange)
        {
            call.Fail(exhausted.StatusCode);
            return new([], [], IsExhausted: true);
        }
        catch (RpcException failure)
        {
            call.Fail(failure.StatusCode);
            throw Translate(failure, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private TracedCall Trace(ExperimentSpec spec, string method) =>
        new(_endpoint, spec.Algorithm.Name, $"{Wire.Suggestion.Descriptor.FullName}/{method}");

    private CallOptions Options(TracedCall call, CancellationToken cancellationToken) => new(
        call.Headers, (_time.GetUtcNow() + Deadline).UtcDateTime, cancellationToken);

    /// <summary>What does not fit the experiment must not become a trial.</summary>
    private void ThrowIfUnexpected(
        ExperimentSpec spec, Wire.GetSuggestionsReply reply, ImmutableArray<ImmutableArray<Assignment>> points, int count)
    {
        if (points.Length != count)
        {
            throw new SuggestionUnavailableException(
                $"{_endpoint} answered with {points.Length} assignments where {count} were asked for.",
                new InvalidOperationException("The response contains unexpected trials"));
        }

        var expected = spec.Parameters.Select(static p => p.Name).Order(StringComparer.Ordinal).ToArray();
        if (points.FirstOrDefault(p => !p.Select(static a => a.Name).Order(StringComparer.Ordinal).SequenceEqual(expected))
            is { IsDefault: false } other)
        {
            throw new SuggestionRefusedException(
                $"{_endpoint} answered with the parameters {string.Join(", ", other.Select(static a => a.Name))} "
                + $"where {string.Join(", ", expected)} were asked for; is it the service of '{spec.Algorithm.Name}'?");
        }

        var parameters = spec.Parameters.ToDictionary(static p => p.Name, StringComparer.Ordinal);
        if (points.SelectMany(static p => p).FirstOrDefault(a => !FeasibleValue.Is(parameters[a.Name], a.Value))
            is { Name: { } name } outside)
        {
            throw new SuggestionUnavailableException(
                $"{_endpoint} answered with {name}={outside.Value}, which is not in the parameter's feasibleSpace.",
                new InvalidOperationException("The response contains an infeasible value"));
        }

        if (reply.ParameterAssignments.Any(static p => p.TrialName.Length > 0))
        {
            throw new SuggestionRefusedException(
                $"{_endpoint} names its trials itself, which this release does not honour yet; use another algorithm.");
        }
    }

    private Exception Translate(RpcException failure, CancellationToken cancellationToken) =>
        ServiceChannel.Translate($"algorithm service at {_endpoint}", failure, cancellationToken);
}
