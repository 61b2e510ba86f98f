using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Kubernetes;

namespace Katib.Coordinator.Tests.Runners;

public sealed class KubernetesRunnerTests : TrialRunnerConformance
{
    private const string Batch = "/apis/batch/v1/namespaces";

    private string Namespace => $"katib-runner-{Path.GetFileName(Folder).Split(' ')[^1].ToLowerInvariant()}";

    private string Trials => Path.Combine(Folder, "trials");

    public override async ValueTask InitializeAsync()
    {
        ClusterHere.SkipUnlessThere();
        await ClusterHere.CreateAsync("/api/v1/namespaces", $"{{'metadata': {{'name': '{Namespace}'}}}}");
    }

    [Fact]
    public async Task Too_much_memory_is_told_from_other_ends()
    {
        var job = Shell("a", "echo begun; exec tail /dev/zero");
        ContainerOf(job)["resources"] = Jobs.Parse("{'limits': {'memory': '16Mi'}}");

        var exit = await Watch().RunAsync(job);

        Assert.Equal((TrialExitKind.OutOfMemory, 137), (exit.Kind, exit.Code));
        Assert.Contains("its limit of 16Mi; raise resources.limits.memory", exit.Message, StringComparison.Ordinal);
        Assert.EndsWith("Its last words:\nbegun", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_crashed_run_has_reported_does_not_count()
    {
        var job = Shell("a", $"echo x >> '{Folder}/runs'; n=$(wc -l < '{Folder}/runs'); echo loss=$n$n; sleep 1; [ $n = 3 ]");
        PodOf(job)["restartPolicy"] = "OnFailure";
        ((JsonObject)job.RunObject["spec"]!)["backoffLimit"] = 6;
        var runner = Watch();

        var exit = await runner.RunAsync(job);

        Assert.Equal(0, exit.Code);
        var events = runner.Of("a");
        var last = events.LastIndexOf(events.OfType<TrialEvent.Restarted>().Last());
        var measured = events.Skip(last).OfType<TrialEvent.Measured>().ToArray();
        Assert.Equal("33", Assert.Single(Assert.Single(measured).Points).Value);
        Assert.Equal(0, measured[0].First);
        Assert.Equal("loss=33\n", await File.ReadAllTextAsync(TrialLog.FileOf(Trials, "a", 1), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_new_pod_of_a_Job_is_a_new_run()
    {
        var job = Shell("a", $"echo x >> '{Folder}/runs'; n=$(wc -l < '{Folder}/runs'); echo loss=$n; [ $n = 2 ]");
        ((JsonObject)job.RunObject["spec"]!)["backoffLimit"] = 2;
        var runner = Watch();

        var exit = await runner.RunAsync(job);

        Assert.Equal(0, exit.Code);
        var events = runner.Of("a");
        var measured = events.SkipWhile(static e => e is not TrialEvent.Restarted).OfType<TrialEvent.Measured>();
        Assert.Equal("2", Assert.Single(Assert.Single(measured).Points).Value);
    }

    [Fact]
    public async Task A_trial_ends_with_its_primary_container_whatever_else_its_pod_runs()
    {
        var job = Shell("a", "echo loss=1");
        var other = Jobs.Container(["sleep", "1000"]);
        other["name"] = "other";
        other["image"] = DockerHere.Image;
        other["imagePullPolicy"] = "Never";
        PodOf(job)["containers"]!.AsArray().Add((JsonNode)other);
        var runner = Watch();

        var exit = await runner.RunAsync(job);

        Assert.Equal((TrialExitKind.Exited, 0), (exit.Kind, exit.Code));
        Assert.Equal(["1"], runner.Values("a"));
    }

    [Theory]
    [InlineData("not/there:1", "ErrImageNeverPull", "Never")]
    [InlineData("a b", "InvalidImageName", "IfNotPresent")]
    public async Task An_image_that_cannot_be_had_is_named_and_ends_the_trial(string image, string reason, string policy)
    {
        var job = Shell("a", "true");
        ContainerOf(job)["image"] = image;
        ContainerOf(job)["imagePullPolicy"] = policy;
        var runner = Watch();

        var exit = await runner.RunAsync(job);

        Assert.Equal(TrialExitKind.NotStarted, exit.Kind);
        Assert.StartsWith($"The container 'main' cannot start: {reason}", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_no_node_can_take_waits_and_says_why()
    {
        var job = Shell("a", "true");
        ContainerOf(job)["resources"] = Jobs.Parse("{'requests': {'cpu': '5000'}}");
        var runner = Watch();
        await runner.StartAsync(job);

        await Wait.UntilAsync(() => runner.Of("a").OfType<TrialEvent.Noted>().Any(static n => n.Reason is "Unschedulable"), "the reason");

        var said = runner.Of("a").OfType<TrialEvent.Noted>().First(static n => n.Reason is "Unschedulable").Message;
        Assert.Contains("Insufficient cpu", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quota_is_waited_for()
    {
        await ClusterHere.CreateAsync(
            $"/api/v1/namespaces/{Namespace}/resourcequotas", "{'metadata': {'name': 'none'}, 'spec': {'hard': {'pods': '0'}}}");
        var runner = Watch();
        await runner.StartAsync(Shell("a", "true"));

        await Wait.UntilAsync(() => runner.Of("a").OfType<TrialEvent.Noted>().Any(static n => n.Reason is "FailedCreate"), "the reason");
        Assert.Contains(
            "exceeded quota",
            runner.Of("a").OfType<TrialEvent.Noted>().First(static n => n.Reason is "FailedCreate").Message,
            StringComparison.Ordinal);
        await ClusterHere.DeleteAsync($"/api/v1/namespaces/{Namespace}/resourcequotas/none");

        Assert.Equal(0, (await runner.EndAsync("a")).Code);
    }

    [Fact]
    public async Task A_ConfigMap_that_is_not_there_is_named()
    {
        var job = Shell("a", "true");
        ContainerOf(job)["envFrom"] = JsonNode.Parse("""[{"configMapRef": {"name": "nowhere"}}]""");
        var runner = Watch();

        var exit = await runner.RunAsync(job);

        Assert.Equal(TrialExitKind.NotStarted, exit.Kind);
        Assert.Contains("configmap \"nowhere\" not found", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Job_that_somebody_deletes_is_lost()
    {
        var runner = Watch();
        await runner.StartAsync(Shell("a", "echo begun; sleep 1000"));
        await Wait.UntilAsync(() => File.Exists(TrialLog.FileOf(Trials, "a", 1)), "the log");

        await ClusterHere.DeleteAsync($"{Batch}/{Namespace}/jobs/a");
        var exit = await runner.EndAsync("a");

        Assert.Equal(TrialExitKind.Lost, exit.Kind);
        Assert.StartsWith("Its Job was deleted.", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_of_another_is_left_alone()
    {
        await ClusterHere.CreateAsync($"{Batch}/{Namespace}/jobs", """
            {'metadata': {'name': 'a'}, 'spec': {'template': {'spec': {'restartPolicy': 'Never', 'containers':
              [{'name': 'x', 'image': 'busybox:latest', 'imagePullPolicy': 'Never', 'command': ['sleep', '1000']}]}}}}
            """);

        var exit = await Watch().RunAsync(Shell("a", "true"));
        await Watch().StopAsync("a");

        Assert.Equal(TrialExitKind.NotStarted, exit.Kind);
        Assert.StartsWith($"There is a Job 'a' in the namespace '{Namespace}' that is not of this experiment", exit.Message, StringComparison.Ordinal);
        _ = Assert.Single(await ClusterHere.ListAsync($"{Batch}/{Namespace}/jobs"));
    }

    [Fact]
    public async Task What_is_kept_stays_until_it_is_removed()
    {
        var job = Shell("a", "exit 3") with { IsKept = true };
        var runner = Watch();

        Assert.Equal(3, (await runner.RunAsync(job)).Code);
        Assert.Equal(3, (await Watch().RunAsync(job)).Code);
        await runner.Runner.SweepAsync(sparesKept: true, TestContext.Current.CancellationToken);
        _ = Assert.Single(await ClusterHere.ListAsync($"{Batch}/{Namespace}/jobs"));
        await runner.StopAsync("a");

        Assert.Empty(await ClusterHere.ListAsync($"{Batch}/{Namespace}/jobs"));
        Assert.Empty(await ClusterHere.ListAsync($"/api/v1/namespaces/{Namespace}/pods"));
    }

    [Fact]
    public async Task The_pod_is_what_the_template_asks_for_with_labels_and_variables()
    {
        var job = Shell("a", "sleep 1000") with { Environment = [new("TRACEPARENT", "00-1-2-01")] };
        ContainerOf(job)["env"] = JsonNode.Parse("""[{"name": "MINE", "value": "$(KATIB_TRIAL_NAME)!"}]""");
        var runner = Watch();
        await runner.StartAsync(job);
        JsonObject[] pods = [];
        await Wait.UntilAsync(() => (pods = ClusterHere.ListAsync($"/api/v1/namespaces/{Namespace}/pods").Result).Length > 0, "the pod");

        var container = pods[0]["spec"]!["containers"]![0]!;
        Assert.Equal(ContainerOf(job)["command"]!.ToJsonString(), container["command"]!.ToJsonString());
        Assert.Equal(
            """[{"name":"KATIB_TRIAL_NAME","value":"a"},{"name":"TRACEPARENT","value":"00-1-2-01"},{"name":"MINE","value":"$(KATIB_TRIAL_NAME)!"}]""",
            container["env"]!.ToJsonString());
        Assert.Equal("a", (string?)pods[0]["metadata"]!["labels"]!["katib.kubeflow.org/trial"]);
        Assert.Equal("test", (string?)pods[0]["metadata"]!["labels"]!["katib.kubeflow.org/experiment"]);
        _ = Assert.Single(pods[0]["spec"]!["containers"]!.AsArray());
        await runner.StopAsync("a");
        Assert.Empty(await ClusterHere.ListAsync($"/api/v1/namespaces/{Namespace}/pods"));
    }

    [Fact]
    public async Task Of_a_PyTorchJob_the_masters_newest_run_counts_alone()
    {
        await using var training = await TrainingOperator.StartAsync(Namespace);
        var master = $"echo x >> '{Folder}/runs'; n=$(wc -l < '{Folder}/runs'); echo loss=$n; sleep 1; echo loss=$n; [ $n = 2 ]";
        var job = Distributed("PyTorchJob", "pytorchReplicaSpecs", ("Master", 1, master), ("Worker", 2, "echo loss=7; sleep 1000"));
        var runner = Watch(Create(Template("kubeflow.org/v1", "PyTorchJob")));

        var exit = await runner.RunAsync(job);

        Assert.Equal(0, exit.Code);
        var clean = runner.Of("a").SkipWhile(static e => e is not TrialEvent.Restarted).OfType<TrialEvent.Measured>().SelectMany(static m => m.Points);
        Assert.Equal(["2", "2"], clean.Select(static p => p.Value));
        Assert.DoesNotContain("7", runner.Values("a"));
        Assert.Empty(await ClusterHere.ListAsync($"/api/v1/namespaces/{Namespace}/pods"));
    }

    [Fact]
    public async Task A_TFJob_fails_with_its_first_workers_exit_code_and_last_words()
    {
        await using var training = await TrainingOperator.StartAsync(Namespace);
        var script = "case $HOSTNAME in *worker-0) echo oh dear; exit 4;; *) sleep 1000;; esac";
        var job = Distributed("TFJob", "tfReplicaSpecs", ("Worker", 2, script));
        var runner = Watch(Create(Template("kubeflow.org/v1", "TFJob")));
        ReplicaOf(job, "tfReplicaSpecs", "Worker")["restartPolicy"] = "Never";

        var exit = await runner.RunAsync(job);

        Assert.Equal((TrialExitKind.Exited, 4), (exit.Kind, exit.Code));
        Assert.EndsWith("Its last words:\noh dear", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_a_queue_has_suspended_waits_and_says_so()
    {
        await using var training = await TrainingOperator.StartAsync(Namespace);
        var job = Distributed("PyTorchJob", "pytorchReplicaSpecs", ("Master", 1, "echo loss=1"));
        job.RunObject["spec"]!["runPolicy"] = new JsonObject { ["suspend"] = true };
        var runner = Watch(Create(Template("kubeflow.org/v1", "PyTorchJob")));
        await runner.StartAsync(job);

        await Wait.UntilAsync(() => runner.Of("a").OfType<TrialEvent.Noted>().Any(static n => n.Reason is "Suspended"), "the reason");
        await training.ResumeAsync("pytorchjobs", "a");

        Assert.Equal(0, (await runner.EndAsync("a")).Code);
        Assert.Equal(["1"], runner.Values("a"));
    }

    [Fact]
    public async Task A_kind_that_the_cluster_does_not_serve_is_refused_with_its_name()
    {
        var template = Template("kubeflow.org/v9", "TFJob");
        await using var runner = Create(template);

        var problem = Assert.Single(await runner.CheckAsync(template, Jobs.StdOut, TestContext.Current.CancellationToken));

        Assert.Equal("trialTemplate.trialSpec.kind", problem.Field);
        Assert.Equal("The cluster does not serve TFJob of kubeflow.org/v9: install its operator, or correct apiVersion and kind.", problem.Message);
    }

    protected override ITrialRunner Create() => Create(Template("batch/v1", "Job"));

    protected override TrialJob Shell(string trial, string script, MetricsCollectorSpec? collector = null, int attempt = 1)
    {
        var job = Jobs.Shell(trial, script, collector, attempt);
        ContainerOf(job)["image"] = DockerHere.Image;
        ContainerOf(job)["imagePullPolicy"] = "Never";
        ContainerOf(job)["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "folder", ["mountPath"] = Folder });
        PodOf(job)["volumes"] = new JsonArray(new JsonObject { ["name"] = "folder", ["hostPath"] = new JsonObject { ["path"] = Folder } });
        PodOf(job)["restartPolicy"] = "Never";
        ((JsonObject)job.RunObject["spec"]!)["backoffLimit"] = 0;
        job.RunObject["metadata"] = new JsonObject { ["name"] = trial, ["namespace"] = Namespace };
        return job;
    }

    protected override Task<string> ServerAsync() => Task.FromResult("busybox httpd -f -p $KATIB_METRICS_PORT");

    protected override Task CleanUpAsync() => ClusterHere.DeleteAsync($"/api/v1/namespaces/{Namespace}");

    private static TrialTemplate Template(string apiVersion, string kind) => new(
        new() { ["apiVersion"] = apiVersion, ["kind"] = kind }, [], "main", Retain: false)
    {
        SuccessCondition = TrialDefaults.Of(kind)!.SuccessCondition,
        FailureCondition = TrialDefaults.Of(kind)!.FailureCondition,
        PrimaryPodLabels = [.. TrialDefaults.Of(kind)!.PodLabels],
    };

    private static JsonObject ReplicaOf(TrialJob job, string replicas, string role) => job.RunObject["spec"]![replicas]![role]!.AsObject();

    /// <summary>A job of several pods, each a script of the shell.</summary>
    private TrialJob Distributed(string kind, string replicas, params (string Role, int Count, string Script)[] roles) => Shell("a", "") with
    {
        RunObject = new()
        {
            ["apiVersion"] = "kubeflow.org/v1",
            ["kind"] = kind,
            ["metadata"] = new JsonObject { ["name"] = "a", ["namespace"] = Namespace },
            ["spec"] = new JsonObject
            {
                [replicas] = new JsonObject(roles.Select(role => KeyValuePair.Create(role.Role, (JsonNode?)new JsonObject
                {
                    ["replicas"] = role.Count,
                    ["restartPolicy"] = "OnFailure",
                    ["template"] = Shell("a", role.Script).RunObject["spec"]!["template"]!.DeepClone(),
                }))),
            },
        },
    };

    private static JsonObject ContainerOf(TrialJob job) => PodOf(job)["containers"]![0]!.AsObject();

    private static JsonObject PodOf(TrialJob job) => job.RunObject["spec"]!["template"]!["spec"]!.AsObject();

    private KubernetesRunner Create(TrialTemplate template) => new(
        new("store1", Namespace, "test", Trials, template)
        {
            Grace = TimeSpan.Zero,
            MirrorImage = DockerHere.Image,
            LookEvery = TimeSpan.FromMilliseconds(500),
            OthersGrace = TimeSpan.FromSeconds(2),
            StartGrace = TimeSpan.FromSeconds(5),
        },
        Jobs.Parser,
        new Progress<string>(),
        TimeProvider.System);
}
