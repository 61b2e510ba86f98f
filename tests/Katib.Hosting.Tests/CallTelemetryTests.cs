using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;
using Katib.Algorithms.Bayesian;
using static Katib.Hosting.Tests.Requests;

namespace Katib.Hosting.Tests;

/// <summary>What a service measures of its calls, heard in the process itself.</summary>
public sealed class CallTelemetryTests : IDisposable
{
    private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly MeterListener _listener = new();

    public CallTelemetryTests()
    {
        // Tests of other services run at the same time: each of these serves a name of its own.
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name is "Katib.Hosting")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Hear(i, value, tags));
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Hear(i, value, tags));
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Hear(i, value, tags));
        _listener.Start();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task The_fit_of_a_model_is_timed_once_for_what_is_known()
    {
        const string Name = "bayesian-under-test";
        await using var service = await KestrelReplica.StartAsync(Name, new BayesianOptimization(), Token);
        var trials = Enumerable.Range(0, 12).Select(static i =>
        {
            var trial = Trial(("a", FormattableString.Invariant($"0.{i + 1:00}")));
            trial.Status = Succeeded(i % 5);
            return trial;
        });
        var request = Ask(Experiment(Name, Real("a", "0", "1")), 2, trials);

        _ = await service.Client.GetSuggestionsAsync(request, cancellationToken: Token);
        _ = await service.Client.GetSuggestionsAsync(request, cancellationToken: Token);

        _ = Assert.Single(Heard("katib.suggestion.fit.duration", Name));
        Assert.Equal([12, 12], Heard("katib.suggestion.history", Name).Select(static m => m.Value));
        Assert.Equal(["OK", "OK"], Heard("rpc.server.call.duration", Name).Select(static m => m.Tags["rpc.response.status_code"]));
        Assert.Empty(Heard("katib.suggestion.fallbacks", Name));
    }

    [Fact]
    public async Task Fallbacks_are_counted_by_their_names()
    {
        const string Name = "lazy";
        await using var service = await KestrelReplica.StartAsync(Name, new Lazy(), Token);

        _ = await service.Client.GetSuggestionsAsync(Ask(Experiment(Name, Real("a", "0", "1")), 1), cancellationToken: Token);

        Assert.Equal(["no_model", "work_budget"], Heard("katib.suggestion.fallbacks", Name).Select(static m => m.Tags["katib.fallback"]));
    }

    [Fact]
    public async Task A_refused_call_is_measured_with_its_status_as_gRPC_spells_it()
    {
        const string Name = "refusing";
        await using var service = await KestrelReplica.StartAsync(Name, new Lazy(), Token);

        _ = await Assert.ThrowsAsync<RpcException>(async () => await service.Client.GetSuggestionsAsync(
            Ask(Experiment("another", Real("a", "0", "1")), 1), cancellationToken: Token));

        var measured = Assert.Single(Heard("rpc.server.call.duration", Name));
        Assert.Equal("INVALID_ARGUMENT", measured.Tags["rpc.response.status_code"]);
        Assert.Equal("api.v1.beta1.Suggestion/GetSuggestions", measured.Tags["rpc.method"]);
    }

    [Fact]
    public async Task A_call_continues_its_callers_trace_or_begins_one()
    {
        const string Name = "traced";
        const string Caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var told = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name is "Katib.Hosting",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = told.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var service = await KestrelReplica.StartAsync(Name, new Lazy(), Token);
        var request = Ask(Experiment(Name, Real("a", "0", "1")), 1);

        _ = await service.Client.GetSuggestionsAsync(
            request, new Metadata { { "traceparent", Caller }, { "tracestate", "vendor=1" } }, cancellationToken: Token);
        _ = await service.Client.GetSuggestionsAsync(request, cancellationToken: Token);

        Activity[] spans = [.. told.Where(static s => s.GetTagItem("katib.algorithm.name") is Name)];
        Assert.Equal(2, spans.Length);
        Assert.Equal("b7ad6b7169203331", spans[0].ParentSpanId.ToHexString());
        Assert.Equal(("0af7651916cd43dd8448eb211c80319c", "vendor=1"), (spans[0].TraceId.ToHexString(), spans[0].TraceStateString));
        Assert.Equal("study", spans[0].GetTagItem("katib.experiment.name"));
        Assert.Equal(default, spans[1].ParentSpanId);
    }

    private void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Enqueue((instrument.Name, value, tags.ToArray().ToDictionary()));

    private (string Name, double Value, Dictionary<string, object?> Tags)[] Heard(string instrument, string algorithm) =>
        [.. _measured.Where(m => m.Name == instrument && m.Tags["katib.algorithm.name"] is string name && name == algorithm)];

    /// <summary>Suggests the same for ever, and says that it could do better.</summary>
    private sealed class Lazy : ISearchAlgorithm
    {
        public ImmutableArray<SettingDeclaration> Settings => [];

        public Reply Suggest(Study study, int count, CancellationToken cancellationToken) =>
            new([.. Enumerable.Repeat(new Suggestion([new("a", "0.5")]), count)]) { Fallbacks = ["no_model", "work_budget"] };
    }
}
