using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary><c>katib run --runner kubernetes</c>: trials as objects of the cluster that KUBECONFIG names, whose node is this machine.</summary>
public sealed class KubernetesTests : IAsyncLifetime
{
    private readonly Workplace _place = new();

    private string Namespace => Path.GetFileName(_place.Folder).ToLowerInvariant();

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 }, "KUBECONFIG names no cluster.");
        _place.Environment["KATIB_METRICS_IMAGE"] = "busybox:latest";
        _ = (await KubectlAsync("create", "namespace", Namespace)).Expect(0);
    }

    public async ValueTask DisposeAsync()
    {
        if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 })
        {
            _ = await KubectlAsync("delete", "namespace", Namespace, "--wait=false");
        }

        _place.Dispose();
    }

    [Fact]
    public async Task The_example_runs_to_success_and_leaves_nothing_in_the_cluster()
    {
        var example = await File.ReadAllTextAsync(
            Path.Combine(Workplace.Repository, "examples", "kubernetes", "random.yaml"), TestContext.Current.CancellationToken);
        _place.Write("random.yaml", Here(example).Replace("busybox:1.37", "busybox:latest", StringComparison.Ordinal));

        var run = await _place.KatibAsync("run", "random.yaml", "--runner", "kubernetes", "--output", "json");

        var status = JsonNode.Parse(run.Expect(0).Output)!["status"]!;
        Assert.Null(status["trialsFailed"]);
        Assert.Null(status["trialMetricsUnavailable"]);
        Assert.NotNull(status["currentOptimalTrial"]);
        Assert.Equal("", (await KubectlAsync("get", "jobs,pods", "--namespace", Namespace, "--output", "name")).Expect(0).Output);
    }

    [Fact]
    public async Task Killed_at_random_moments_every_parameter_set_runs_to_its_end_exactly_once()
    {
        var kills = TestSize.Of(small: 3, full: 20);
        var trials = TestSize.Of(small: 9, full: 200);
        var parallel = TestSize.Of(small: 3, full: 20);
        var ledger = Manifests.LedgerInContainers("random", trials, parallel, TestSize.Of(small: 1, full: 3), _place.Folder, values: trials);
        _place.Write("ledger.yaml", Here(ledger));
        var moments = new double[kills];
        new Philox(7).Fill(0, moments);

        foreach (var moment in moments)
        {
            var before = Ledger().Length;
            using var katib = _place.Start("katib.dll", "run", "ledger.yaml", "--runner", "kubernetes");
            await Workplace.UntilAsync("a trial goes on", () => Ledger().Length > before || katib.HasExited);
            await Task.Delay(TimeSpan.FromSeconds(moment * 2), TestContext.Current.CancellationToken);
            if (!katib.HasExited)
            {
                await Workplace.SignalAsync(katib, "KILL");
                _ = (await Workplace.EndAsync(katib)).Expect(137);
            }
        }

        // What was begun on a cluster goes on there, without being told.
        var last = (await _place.KatibAsync("run", "ledger.yaml", "--output", "json")).Expect(0);

        var status = JsonNode.Parse(last.Output)!["status"]!;
        var ends = Ledger().Where(static l => l.StartsWith("end", StringComparison.Ordinal)).ToArray();
        Assert.Equal(trials, (int)status["trialsSucceeded"]!);
        Assert.Equal(trials, ends.Length);
        Assert.Equal(trials, ends.Distinct().Count());
        Assert.Equal("", (await KubectlAsync("get", "jobs,pods", "--namespace", Namespace, "--output", "name")).Expect(0).Output);
    }

    [Fact]
    public async Task Pods_that_somebody_deletes_are_tried_again_as_their_class_says_and_nothing_is_lost()
    {
        const int Trials = 6;
        var ledger = Manifests.LedgerInContainers("random", Trials, parallel: 2, seconds: 3, _place.Folder);
        _place.Write("ledger.yaml", Here(ledger).Replace("backoffLimit: 0", "backoffLimit: 3", StringComparison.Ordinal));
        using var katib = _place.Start("katib.dll", "run", "ledger.yaml", "--runner", "kubernetes", "--retry", "infra=3", "--output", "json");

        await Workplace.UntilAsync("two trials run", () => Ledger().Length >= 2);
        _ = (await KubectlAsync("delete", "pods", "--namespace", Namespace, "--all", "--grace-period=0", "--force")).Expect(0);
        await Workplace.UntilAsync("trials go on", () => Ledger().Length >= 5);
        _ = (await KubectlAsync("delete", "jobs", "--namespace", Namespace, "--all")).Expect(0);
        var run = (await Workplace.EndAsync(katib)).Expect(0);

        Assert.Equal(Trials, (int)JsonNode.Parse(run.Output)!["status"]!["trialsSucceeded"]!);
    }

    [Fact]
    public async Task Status_says_in_the_clusters_words_why_a_trial_waits()
    {
        _place.Write("ledger.yaml", Here(Manifests.LedgerInContainers("random", 1, 1, 0, _place.Folder)).Replace(
            "imagePullPolicy: Never", "imagePullPolicy: Never\n                resources: { requests: { cpu: \"5000\" } }", StringComparison.Ordinal));
        using var katib = _place.Start("katib.dll", "run", "ledger.yaml", "--runner", "kubernetes");
        var said = "";
        var begun = Stopwatch.GetTimestamp();
        while (!said.Contains("Insufficient cpu", StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMinutes(3), said);
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            said = (await _place.KatibAsync("status", "ledger")).Output;
        }

        await Workplace.InterruptAsync(katib);
        _ = (await Workplace.EndAsync(katib)).Expect(130);
        Assert.Contains("Unschedulable", said, StringComparison.Ordinal);
        Assert.Equal("", (await KubectlAsync("get", "jobs,pods", "--namespace", Namespace, "--output", "name")).Expect(0).Output);
    }

    [Fact]
    public async Task A_pod_pushes_to_this_machine_and_without_its_address_the_run_says_what_is_missing()
    {
        _place.Write("push.yaml", Random(
            "{ collector: { kind: Push } }",
            """curl --fail -s -H "Authorization: Bearer $KATIB_PUSH_TOKEN" -d loss=$X "$KATIB_PUSH_URL" """));

        var without = await _place.KatibAsync("run", "push.yaml", "--runner", "kubernetes");
        var run = await _place.KatibAsync(
            "run", "push.yaml", "--runner", "kubernetes", "--push-address", await BridgeAsync(), "--output", "json");

        Assert.Contains("--push-address", without.Expect(2).Error, StringComparison.Ordinal);
        Assert.Equal(2, (int)JsonNode.Parse(run.Expect(0).Output)!["status"]!["trialsSucceeded"]!);
    }

    [Fact]
    public async Task A_metrics_file_is_read_as_it_grows()
    {
        _place.Write("file.yaml", Random(
            "{ collector: { kind: File }, source: { fileSystemPath: { path: /out/metrics.log, kind: File } } }",
            "echo loss=2 > /out/metrics.log; sleep 2; echo loss=$X >> /out/metrics.log"));

        var run = await _place.KatibAsync("run", "file.yaml", "--runner", "kubernetes", "--output", "json");

        var experiment = JsonNode.Parse(run.Expect(0).Output)!;
        Assert.Equal(2, (int)experiment["status"]!["trialsSucceeded"]!);
        var metric = experiment["status"]!["currentOptimalTrial"]!["observation"]!["metrics"]![0]!;
        Assert.Equal("2", (string?)metric["max"]);
        Assert.True(double.Parse((string)metric["min"]!, CultureInfo.InvariantCulture) <= 1);
    }

    /// <summary>Two trials of random search, each a script of the shell that sees its parameter as X.</summary>
    private string Random(string collector, string script) => Here($$$"""
        apiVersion: kubeflow.org/v1beta1
        kind: Experiment
        metadata: { name: small }
        spec:
          objective: { type: minimize, objectiveMetricName: loss }
          algorithm: { algorithmName: random }
          parallelTrialCount: 2
          maxTrialCount: 2
          metricsCollectorSpec: {{{collector}}}
          parameters:
            - { name: x, parameterType: double, feasibleSpace: { min: "0", max: "1" } }
          trialTemplate:
            primaryContainerName: main
            trialParameters: [{ name: x, reference: x }]
            trialSpec:
              apiVersion: batch/v1
              kind: Job
              spec:
                backoffLimit: 0
                template:
                  spec:
                    restartPolicy: Never
                    containers:
                      - name: main
                        image: busybox:latest
                        imagePullPolicy: Never
                        env: [{ name: X, value: "${trialParameters.x}" }]
                        command:
                          - sh
                          - -c
                          - |
                            {{{script}}}
        """);

    private static async Task<string> BridgeAsync()
    {
        var bridge = await DockerHere.AskAsync("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}");
        return bridge.Expect(0).Output.Trim();
    }

    private static async Task<Said> KubectlAsync(params string[] arguments)
    {
        using var kubectl = Process.Start(new ProcessStartInfo("kubectl", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        return await Workplace.EndAsync(kubectl);
    }

    private string Here(string manifest) =>
        manifest.Contains("namespace: default", StringComparison.Ordinal)
            ? manifest.Replace("namespace: default", $"namespace: {Namespace}", StringComparison.Ordinal)
            : manifest.Contains("metadata: {", StringComparison.Ordinal)
                ? manifest.Replace("metadata: {", $"metadata: {{ namespace: {Namespace},", StringComparison.Ordinal)
                : manifest.Replace("metadata:\n", $"metadata:\n  namespace: {Namespace}\n", StringComparison.Ordinal);

    private string[] Ledger() => File.Exists(_place.PathOf("ledger.txt")) ? File.ReadAllLines(_place.PathOf("ledger.txt")) : [];
}
