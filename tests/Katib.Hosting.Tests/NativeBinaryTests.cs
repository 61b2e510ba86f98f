using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Katib.Otlp;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>The services as they are shipped: published as native binaries and called.</summary>
[Collection(SharedNativeServices.Name)]
public sealed class NativeBinaryTests(NativeServices services)
{
    private const int LimitKilobytes = 100 * 1024;

    private static readonly IReadOnlyDictionary<string, string> AsItIs = new Dictionary<string, string>();

    /// <summary>What the runtime takes from a container with a limit of 100 MiB, in hexadecimal as it reads it.</summary>
    private static readonly IReadOnlyDictionary<string, string> InAContainer =
        new Dictionary<string, string> { ["DOTNET_GCTotalPhysicalMemory"] = "6400000" };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Random")]
    [InlineData("Grid")]
    [InlineData("Bayesian")]
    public async Task It_is_published_without_warning_validates_suggests_and_stops_cleanly(string name)
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var service = await services.StartAsync(name, AsItIs, Token);
        using var channel = GrpcChannel.ForAddress(service.Address);
        var client = new Wire.Suggestion.SuggestionClient(channel);
        var experiment = Experiment(
            AlgorithmOf(name), Real("a", "0", "1", "0.1"), Whole("b", "1", "5"), Categorical("c", "x", "y"));

        var health = await new Health.HealthClient(channel).CheckAsync(
            new() { Service = "manager.v1beta1.Suggestion" }, cancellationToken: Token);
        _ = await client.ValidateAlgorithmSettingsAsync(new() { Experiment = experiment }, cancellationToken: Token);
        var reply = await client.GetSuggestionsAsync(Ask(experiment, 3), cancellationToken: Token);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.ValidateAlgorithmSettingsAsync(
            new() { Experiment = experiment.Clone().With("random_state", "-1") }, cancellationToken: Token));
        var exitCode = await service.StopAsync(Token);

        Assert.DoesNotContain("warning", services.OutputOf(name), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        Assert.Equal(3, reply.Lines().Distinct().Count());
        Assert.Equal(
            (StatusCode.InvalidArgument, "random_state should be great or equal than zero"),
            (refused.StatusCode, refused.Status.Detail));
        Assert.Equal(0, exitCode);
    }

    [Theory]
    [InlineData("Random", false)]
    [InlineData("Random", true)]
    [InlineData("Grid", false)]
    [InlineData("Grid", true)]
    [InlineData("Bayesian", true)]
    public async Task Requests_of_20000_trials_of_10_parameters_pass_inside_100_MiB(string name, bool limitIsKnown)
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var service = await services.StartAsync(name, limitIsKnown ? InAContainer : AsItIs, Token);
        using var channel = GrpcChannel.ForAddress(service.Address);
        var client = new Wire.Suggestion.SuggestionClient(channel);
        var request = Large(AlgorithmOf(name));

        // One is in work and four wait.
        var rounds = TestSize.Of(small: 3, full: 20);
        for (var round = 0; round < rounds; round++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ =>
                await client.GetSuggestionsAsync(request, cancellationToken: Token)));
            Assert.All(replies, static r => Assert.Equal(3, r.ParameterAssignments.Count));
        }

        var peak = PeakKilobytes(service.Process.Id);
        TestContext.Current.SendDiagnosticMessage(
            "{0}: {1} kB at its peak, limit known: {2}", name, peak, limitIsKnown);
        Assert.InRange(peak, 1, LimitKilobytes);
    }

    /// <summary>One after the other: a model takes the memory of one model.</summary>
    [Theory]
    [InlineData(100, 5)]
    [InlineData(1000, 20)]
    [InlineData(3000, 10)]
    public async Task Models_are_made_inside_90_MiB(int trials, int parameters)
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var service = await services.StartAsync("Bayesian", AsItIs, Token);
        using var channel = GrpcChannel.ForAddress(service.Address);
        var client = new Wire.Suggestion.SuggestionClient(channel);

        // The loss lies in a valley that ends somewhere inside, so that there is something to find.
        var request = Large(
            "bayesianoptimization", trials, parameters, static t => Math.Pow(Math.Sin(t * 0.37), 2) + (t % 11 / 20.0));
        for (var round = 0; round < TestSize.Of(small: 2, full: 10); round++)
        {
            request.Trials.RemoveAt(request.Trials.Count - 1);
            var reply = await client.GetSuggestionsAsync(request, cancellationToken: Token);
            Assert.Equal(3, reply.Lines().Distinct().Count());
        }

        var peak = PeakKilobytes(service.Process.Id);
        TestContext.Current.SendDiagnosticMessage("{0} trials of {1}: {2} kB at its peak", trials, parameters, peak);
        Assert.InRange(peak, 1, 90 * 1024);
    }

    [Fact]
    public async Task Traces_metrics_and_logs_are_told_where_the_environment_asks_for_them()
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        await using var collector = await OtlpReceiver.StartAsync(Token);
        var port = Programs.FreePort();
        var environment = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Endpoint,
            ["METRICS_PORT"] = port,
        };
        await using var service = await services.StartAsync("Bayesian", environment, Token);
        using var channel = GrpcChannel.ForAddress(service.Address);
        var request = Large("bayesianoptimization", trials: 20, parameters: 2, static t => t % 7);
        _ = request.Experiment.With("base_estimator", "RF");

        _ = await new Wire.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(request, cancellationToken: Token);
        var scraped = await PrometheusTests.ScrapeAsync(port);
        var exitCode = await service.StopAsync(Token);

        Assert.Equal(0, exitCode);
        Assert.Contains("katib_suggestion_fit_duration_seconds_count{", scraped, StringComparison.Ordinal);
        var span = Assert.Single(collector.Spans, static s => s.Name is "api.v1.beta1.Suggestion/GetSuggestions");
        Assert.Equal(
            ("katib-suggestion-bayesianoptimization", "study", "20"),
            (span.Service, span["katib.experiment.name"], span["katib.suggestion.history"]));
        Assert.Contains(collector.Series, static s => s is { Name: "process.memory.usage", Value: > 10e6 });
        Assert.Contains(collector.Logs, l => l["Experiment"] is "study" && l.TraceId == span.TraceId);
    }

    [Fact]
    public async Task It_speaks_TLS_to_those_with_a_certificate_and_its_probe_finds_it()
    {
        Assert.SkipUnless(NativeServices.Missing is null, NativeServices.Missing ?? "");
        using var authority = new Authority("authority");
        var (certificate, key) = authority.Issue("service");
        var variables = new Dictionary<string, string>
        {
            ["TLS_CERT_FILE"] = await WrittenAsync("tls.crt", certificate),
            ["TLS_KEY_FILE"] = await WrittenAsync("tls.key", key),
            ["TLS_CLIENT_CA_FILE"] = await WrittenAsync("ca.crt", authority.Pem),
            ["PORT"] = Programs.FreePort(),
        };
        using var service = StartRandom(variables);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await IsHealthyAsync(variables))
        {
            Assert.False(service.HasExited || patience.IsCancellationRequested, "Waited in vain for the probe to succeed.");
        }

        var known = await HealthAsync(authority.Issue("caller"));
        var unknown = await HealthAsync(own: null);
        service.Kill();

        Assert.Equal((StatusCode.OK, false), (known, unknown is StatusCode.OK));

        async Task<string> WrittenAsync(string name, string text)
        {
            var file = Path.Combine(services.FolderOf("Random"), name);
            await File.WriteAllTextAsync(file, text, Token);
            return file;
        }

        Process StartRandom(Dictionary<string, string> environment, params string[] arguments)
        {
            var start = new ProcessStartInfo(Path.Combine(services.FolderOf("Random"), "Katib.Suggestion.Random"), arguments);
            environment.ToList().ForEach(v => start.Environment[v.Key] = v.Value);
            return Process.Start(start)!;
        }

        async Task<bool> IsHealthyAsync(Dictionary<string, string> environment)
        {
            using var probe = StartRandom(environment, "--probe");
            await probe.WaitForExitAsync(Token);
            return probe.ExitCode is 0;
        }

        async Task<StatusCode> HealthAsync((string Certificate, string Key)? own)
        {
            using var channel = GrpcChannel.ForAddress(
                $"https://127.0.0.1:{variables["PORT"]}",
                new() { HttpHandler = authority.Client(own), DisposeHttpClient = true });
            try
            {
                _ = await new Health.HealthClient(channel).CheckAsync(new(), cancellationToken: Token);
                return StatusCode.OK;
            }
            catch (RpcException refused)
            {
                return refused.StatusCode;
            }
        }
    }

    private static string AlgorithmOf(string service) =>
        service is "Bayesian" ? "bayesianoptimization" : service.ToLowerInvariant();

    /// <summary>The most memory that the process ever had resident.</summary>
    private static int PeakKilobytes(int processId)
    {
        var status = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/status"));
        var peak = status.Single(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return int.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
    }
}
