using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Grpc.Net.Client;
using Katib.Driver;
using static Katib.Hosting.Tests.Requests;
using Wire = Api.V1.Beta1;

namespace Katib.Hosting.Tests;

/// <summary>The metrics as Prometheus finds them, and what it costs when nobody asks for them.</summary>
public sealed class PrometheusTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_metrics_lie_on_METRICS_PORT_over_HTTP_1_and_bear_the_algorithms_name()
    {
        var port = Programs.FreePort();
        await using var service = await StartAsync(port);

        var text = await ScrapeAsync(port);

        Assert.Contains("rpc_server_call_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.Contains("katib_algorithm_name=\"random\"", text, StringComparison.Ordinal);
        Assert.Contains("rpc_method=\"api.v1.beta1.Suggestion/GetSuggestions\"", text, StringComparison.Ordinal);
        Assert.Contains("katib_suggestion_history_count{", text, StringComparison.Ordinal);
        Assert.Contains("katib_admission_waiting{", text, StringComparison.Ordinal);
        Assert.Contains("process_memory_usage_bytes", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promtool_reads_them_and_finds_no_fault_with_the_names_that_are_ours()
    {
        Assert.SkipUnless(IsOnPath("promtool"), "promtool is not installed (package prometheus).");
        var port = Programs.FreePort();
        await using var service = await StartAsync(port);
        var text = await ScrapeAsync(port);

        var start = new ProcessStartInfo("promtool", ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var promtool = Process.Start(start)!;
        await promtool.StandardInput.WriteAsync(text);
        promtool.StandardInput.Close();
        var said = await promtool.StandardOutput.ReadToEndAsync(Token) + await promtool.StandardError.ReadToEndAsync(Token);
        await promtool.WaitForExitAsync(Token);

        // 3 says that it would have chosen other names; .NET has a few of those.
        Assert.True(promtool.ExitCode is 0 or 3, said);
        Assert.DoesNotContain(
            said.Split('\n'), static l => l.Split('_')[0] is "katib" or "rpc" or "process" or "target");
    }

    [Fact]
    public async Task A_real_Prometheus_scrapes_them_and_answers_queries()
    {
        Assert.SkipUnless(IsOnPath("prometheus"), "prometheus is not installed.");
        var folder = Directory.CreateTempSubdirectory("katib-prometheus-").FullName;
        var (port, own) = (Programs.FreePort(), Programs.FreePort());
        await using var service = await StartAsync(port);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "prometheus.yml"),
            $$"""
            scrape_configs:
              - job_name: katib
                scrape_interval: 1s
                static_configs: [{ targets: ["127.0.0.1:{{port}}"] }]
            """,
            Token);
        var start = new ProcessStartInfo("prometheus",
        [
            $"--config.file={Path.Combine(folder, "prometheus.yml")}",
            $"--storage.tsdb.path={Path.Combine(folder, "data")}",
            $"--web.listen-address=127.0.0.1:{own}",
            "--log.level=error",
        ])
        {
            WorkingDirectory = folder,
        };
        using var prometheus = Process.Start(start)!;
        try
        {
            var query = Uri.EscapeDataString(
                "sum by (katib_algorithm_name) (rpc_server_call_duration_seconds_count{rpc_response_status_code=\"OK\"})");
            using var http = new HttpClient();
            var address = new Uri($"http://127.0.0.1:{own}/api/v1/query?query={query}");
            var result = await PollAsync("Prometheus has scraped the service", async () =>
                JsonNode.Parse(await http.GetStringAsync(address, Token))!["data"]!["result"]!.AsArray() is [var found, ..]
                    ? found
                    : null);

            Assert.Equal("random", (string?)result["metric"]!["katib_algorithm_name"]);
            Assert.Equal("1", (string?)result["value"]![1]);
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(Token);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Where_nobody_asks_OpenTelemetry_is_not_even_loaded()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a process has loaded is read from /proc.");
        await using var silent = await Programs.StartRandomServiceAsync(Token);
        await using var telling = await StartAsync(Programs.FreePort());

        Assert.DoesNotContain(Loaded(silent), static l => l.Contains("OpenTelemetry", StringComparison.Ordinal));
        Assert.Contains(Loaded(telling), static l => l.Contains("OpenTelemetry", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_METRICS_PORT_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Any, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var start = new ProcessStartInfo("dotnet", [Programs.RandomService, "--port", Programs.FreePort()]) { RedirectStandardError = true };
        start.Environment["METRICS_PORT"] = $"{port}";
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);

        Assert.Equal(2, process.ExitCode);
        Assert.StartsWith($"METRICS_PORT {port} cannot be listened on", error, StringComparison.Ordinal);
    }

    /// <summary>A service that has answered one request for suggestions.</summary>
    private static async Task<ProcessReplica> StartAsync(string metricsPort)
    {
        var service = await ProcessReplica.StartAsync(
            "dotnet",
            [Programs.RandomService],
            new Dictionary<string, string> { ["METRICS_PORT"] = metricsPort },
            Token);
        using var channel = GrpcChannel.ForAddress(service.Address);
        _ = await new Wire.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(
            Ask(Experiment("random", Real("a", "0", "1")), 2), cancellationToken: Token);
        return service;
    }

    internal static async Task<string> ScrapeAsync(string port)
    {
        using var http = new HttpClient { DefaultRequestVersion = HttpVersion.Version11, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        return await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), Token);
    }

    private static async Task<T> PollAsync<T>(string what, Func<Task<T?>> look)
        where T : class
    {
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                if (await look() is { } found)
                {
                    return found;
                }
            }
            catch (HttpRequestException)
            {
                // It has not begun to listen.
            }

            Assert.True(Stopwatch.GetElapsedTime(begun) < Patience, $"Waited in vain until {what}.");
            await Task.Delay(100, Token);
        }
    }

    private static string[] Loaded(ProcessReplica service) => File.ReadAllLines($"/proc/{service.Process.Id}/maps");

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
