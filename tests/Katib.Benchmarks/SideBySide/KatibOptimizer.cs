using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Grpc.Net.Client;
using Katib.Hosting;
using Katib.Proto;
using Wire = Api.V1.Beta1;

namespace Katib.Benchmarks.SideBySide;

/// <summary>A server of Katib's contract, asked as Katib's controller asks: with the whole history each time.</summary>
/// <remarks>
/// The experiment is named after problem and seed, which is what seeds our algorithms. A server that keeps state is
/// right only as long as it tells experiments apart by their names.
/// </remarks>
internal sealed class KatibOptimizer : IOptimizer
{
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    /// <summary>When the first trial ends; each ends later than the one before, as the order of results matters.</summary>
    private static readonly DateTime FirstCompletion = new(2026, 1, 1, 0, 1, 0, DateTimeKind.Utc);

    private readonly GrpcChannel _channel;
    private readonly Wire.Suggestion.SuggestionClient _client;
    private readonly string _algorithm;
    private readonly ImmutableArray<KeyValuePair<string, string>> _settings;
    private readonly Func<ValueTask> _stop;
    private readonly List<Wire.Trial> _trials = [];
    private Wire.Experiment _experiment = new();
    private int _seenEnded;

    private KatibOptimizer(
        Uri endpoint,
        string algorithm,
        string version,
        ImmutableArray<KeyValuePair<string, string>> settings,
        Func<ValueTask> stop)
    {
        _channel = GrpcChannel.ForAddress(endpoint, new()
        {
            MaxReceiveMessageSize = MaxMessageBytes,
            HttpHandler = new SocketsHttpHandler { UseProxy = !endpoint.IsLoopback },
            DisposeHttpClient = true,
        });
        _client = new(_channel);
        _algorithm = algorithm;
        _settings = settings;
        _stop = stop;
        Version = version;
    }

    /// <inheritdoc/>
    public string Version { get; }

    /// <inheritdoc/>
    public double Seconds { get; private set; }

    /// <summary>The program that was started; null for any other server.</summary>
    public NativeService? Program { get; private init; }

    /// <summary>Asks a server that runs already.</summary>
    public static KatibOptimizer At(
        Uri endpoint, string algorithm, ImmutableArray<KeyValuePair<string, string>> settings) =>
        new(endpoint, algorithm, endpoint.ToString(), settings, static () => default);

    /// <summary>Serves an algorithm in this process, behind the same gRPC service as in its container.</summary>
    public static async Task<KatibOptimizer> ServeAsync(
        string name, ISearchAlgorithm algorithm, ImmutableArray<KeyValuePair<string, string>> settings)
    {
        var service = SuggestionHost.Build(name, algorithm, new(IPAddress.Loopback, 0));
        await service.StartAsync();
        var version = $"katib-suggestion {typeof(ISearchAlgorithm).Assembly.GetName().Version!.ToString(3)}";
        return new(new(service.Urls.Single()), name, version, settings, service.DisposeAsync);
    }

    /// <summary>Starts a service program and asks it.</summary>
    public static async Task<KatibOptimizer> StartAsync(
        string program, string algorithm, ImmutableArray<KeyValuePair<string, string>> settings)
    {
        var service = await NativeService.StartAsync(program);
        return new(service.Endpoint, algorithm, Path.GetFileName(program), settings, Stop) { Program = service };

        ValueTask Stop()
        {
            service.Dispose();
            return default;
        }
    }

    /// <inheritdoc/>
    public Task BeginAsync(TestProblem problem, int seed, int parallel)
    {
        var parameters = new Wire.ExperimentSpec.Types.ParameterSpecs();
        parameters.Parameters.Add(problem.Parameters.Select(WireMapping.ToWire));
        var algorithm = new Wire.AlgorithmSpec { AlgorithmName = _algorithm };
        algorithm.AlgorithmSettings.Add(_settings.Select(
            static s => new Wire.AlgorithmSetting { Name = s.Key, Value = s.Value }));
        _experiment = new()
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{problem.Name}-{seed}"),
            Spec = new()
            {
                ParameterSpecs = parameters,
                Objective = new() { Type = Wire.ObjectiveType.Minimize, ObjectiveMetricName = "loss" },
                Algorithm = algorithm,
                ParallelTrialCount = parallel,
            },
        };
        _trials.Clear();
        _seenEnded = 0;
        Seconds = 0;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<ImmutableArray<Assignment>>> AskAsync(RunHistory history, int count)
    {
        _trials.AddRange(history.Trials.Skip(_trials.Count).Select(t => ToWire(t, _seenEnded)));
        for (; _seenEnded < history.Ended.Count; _seenEnded++)
        {
            var ended = history.Ended[_seenEnded];
            _trials[ended.Number] = ToWire(ended, _seenEnded);
        }

        var request = new Wire.GetSuggestionsRequest
        {
            Experiment = _experiment,
            CurrentRequestNumber = count,
            TotalRequestNumber = _trials.Count + count,
        };
        request.Trials.Add(_trials);
        var begun = Stopwatch.GetTimestamp();
        var reply = await _client.GetSuggestionsAsync(request);
        Seconds += Stopwatch.GetElapsedTime(begun).TotalSeconds;
        foreach (var echo in reply.Algorithm?.AlgorithmSettings ?? [])
        {
            var settings = _experiment.Spec.Algorithm.AlgorithmSettings;
            if (settings.FirstOrDefault(s => s.Name == echo.Name) is { } known)
            {
                known.Value = echo.Value;
            }
            else
            {
                settings.Add(echo);
            }
        }

        return [.. reply.ParameterAssignments.Select(static p => p.Assignments
            .Select(static a => new Assignment(a.Name, a.Value)).ToImmutableArray())];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _stop();
    }

    /// <summary>A trial as the controller tells of it; one that has ended did so as number <paramref name="order"/>.</summary>
    private Wire.Trial ToWire(RunTrial trial, int order)
    {
        var assignments = new Wire.TrialSpec.Types.ParameterAssignments();
        assignments.Assignments.Add(trial.Point.Select(
            static a => new Wire.ParameterAssignment { Name = a.Name, Value = a.Value }));
        var status = new Wire.TrialStatus
        {
            StartTime = "2026-01-01T00:00:00Z",
            Condition = Wire.TrialStatus.Types.TrialConditionType.Running,
        };
        if (trial.Outcome is { } outcome)
        {
            status.CompletionTime =
                FirstCompletion.AddMinutes(order).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            status.Condition = outcome.Observed is null
                ? Wire.TrialStatus.Types.TrialConditionType.Failed
                : Wire.TrialStatus.Types.TrialConditionType.Succeeded;
            status.Observation = new();
            if (outcome.Observed is { } loss)
            {
                status.Observation.Metrics.Add(
                    new Wire.Metric { Name = "loss", Value = loss.ToString("R", CultureInfo.InvariantCulture) });
            }
        }

        return new()
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{_experiment.Name}-{trial.Number:0000}"),
            Spec = new() { Objective = _experiment.Spec.Objective, ParameterAssignments = assignments },
            Status = status,
        };
    }
}
