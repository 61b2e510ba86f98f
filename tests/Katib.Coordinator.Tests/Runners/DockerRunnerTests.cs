using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Docker;

namespace Katib.Coordinator.Tests.Runners;

public sealed class DockerRunnerTests : TrialRunnerConformance
{
    private const string Socket = "/var/run/docker.sock";

    private string Trials => Path.Combine(Folder, "trials");

    private string Store => Path.GetFileName(Folder).Split(' ')[^1];

    public override ValueTask InitializeAsync() => DockerHere.SkipUnlessThereAsync();

    [Fact]
    public async Task Too_much_memory_is_told_from_other_ends()
    {
        var job = Shell("a", "echo begun; exec tail /dev/zero");
        ContainerOf(job)["resources"] = JsonNode.Parse("""{"limits": {"memory": "16Mi"}}""");

        var exit = await Watch().RunAsync(job);

        Assert.Equal((TrialExitKind.OutOfMemory, 137), (exit.Kind, exit.Code));
        Assert.Contains("its limit of 16Mi; raise resources.limits.memory", exit.Message, StringComparison.Ordinal);
        Assert.EndsWith("Its last words:\nbegun", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_container_is_what_the_template_asks_for()
    {
        var job = Shell("a", $"echo > '{Folder}/begun'; read l < '{Pipe("go")}'") with
        {
            Environment = [new("TRACEPARENT", "00-1-2-01")],
        };
        ContainerOf(job)["resources"] = JsonNode.Parse("""{"limits": {"cpu": "250m", "memory": "64Mi"}}""");
        ContainerOf(job)["securityContext"] = JsonNode.Parse("""
            {"runAsUser": 0, "runAsGroup": 7, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
             "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
            """);
        var runner = Watch();
        await runner.StartAsync(job);
        await Wait.UntilAsync(() => File.Exists($"{Folder}/begun"), "the trial's beginning");

        var name = $"katib.{Store}.default.test.a.1";
        var container = JsonNode.Parse(await DockerHere.AskAsync("inspect", name))![0]!;
        Release("go");
        _ = await runner.EndAsync("a");

        var host = container["HostConfig"]!;
        Assert.Equal(250_000_000, (long)host["NanoCpus"]!);
        Assert.Equal(64 * 1024 * 1024, (long)host["Memory"]!);
        Assert.True((bool)host["ReadonlyRootfs"]!);
        Assert.Equal("""["ALL"]""", host["CapDrop"]!.ToJsonString());
        Assert.Contains("NET_BIND_SERVICE", host["CapAdd"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("""["no-new-privileges"]""", host["SecurityOpt"]!.ToJsonString());
        Assert.Equal("0:7", (string?)container["Config"]!["User"]);
        Assert.Contains("TRACEPARENT=00-1-2-01", container["Config"]!["Env"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("KATIB_TRIAL_NAME=a", container["Config"]!["Env"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("1", (string?)container["Config"]!["Labels"]!["katib.attempt"]);
    }

    [Fact]
    public async Task What_is_kept_can_be_looked_into_until_it_is_removed_and_holds_no_device()
    {
        var job = Shell("a", "echo left > /x; exit 3") with { IsKept = true };
        var runner = Watch();
        _ = await runner.RunAsync(job);
        var name = $"katib.{Store}.default.test.a.1";

        Assert.Contains("left", await DockerHere.AskAsync("cp", $"{name}:/x", "-"), StringComparison.Ordinal);
        Assert.Equal(3, (await Watch().RunAsync(job)).Code);
        await runner.Runner.SweepAsync(sparesKept: true, TestContext.Current.CancellationToken);
        Assert.NotEqual("", await DockerHere.AskAsync("ps", "--all", "--quiet", "--filter", $"name={name}"));
        await runner.StopAsync("a");
        Assert.Equal("", await DockerHere.AskAsync("ps", "--all", "--quiet", "--filter", $"name={name}"));
    }

    [Fact]
    public async Task Volumes_are_open_to_every_user_and_the_root_may_be_read_only()
    {
        var job = Shell("a", """
            echo scratch > /scratch/x && cat /scratch/x
            mkdir /also/again && echo again > /also/again/x && cat /also/again/x
            grep -q ' /fast tmpfs' /proc/mounts && echo fast > /fast/x && cat /fast/x
            (echo no > /x) 2> /dev/null || echo sealed
            id -u
            """);
        Mount(job, """{"name": "scratch", "emptyDir": {}}""", "/scratch");
        Mount(job, """{"name": "also", "emptyDir": {}}""", "/also");
        Mount(job, """{"name": "fast", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}""", "/fast");
        ContainerOf(job)["securityContext"] = JsonNode.Parse(
            """{"runAsUser": 4321, "runAsNonRoot": true, "readOnlyRootFilesystem": true}""");

        var exit = await Watch().RunAsync(job);

        Assert.Equal("scratch\nagain\nfast\nsealed\n4321\n", await ReadLogAsync("a"));
        Assert.Equal(0, exit.Code);
    }

    [Fact]
    public async Task A_metrics_file_is_read_where_the_user_expects_it_as_it_grows_and_to_its_end()
    {
        var runner = Watch();
        var script = $"read l < '{Pipe("go")}'; echo loss=7 > /katib/mnist.log; "
            + $"read l < '{Pipe("end")}'; printf loss=8 >> $KATIB_METRICS_DIR/mnist.log";
        var job = Shell("a", script, Jobs.File("/katib/mnist.log"));
        ContainerOf(job)["securityContext"] = JsonNode.Parse("""{"runAsUser": 0, "readOnlyRootFilesystem": true}""");
        await runner.StartAsync(job);

        Release("go");
        await Wait.UntilAsync(() => runner.Values("a") is ["7"], "the file's first value");
        Release("end");
        _ = await runner.EndAsync("a");

        Assert.Equal(["7", "8"], runner.Values("a"));
    }

    [Fact]
    public async Task Command_and_arguments_arrive_as_they_were_written_and_as_in_kubernetes()
    {
        string[] nasty = ["a b", "it's", "\"quoted\"", "two\nlines", "", "$HOME", "*", "-n", "ünï", "$(A)", "$$(A)"];
        var container = Container(["/bin/sh", "-c", "printf '%s|' \"$$@\"", "sh"]);
        container["args"] = new JsonArray([.. nasty.Select(static text => JsonValue.Create(text))]);
        container["env"] = JsonNode.Parse("""[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]""");
        container["workingDir"] = "/tmp";

        _ = await Watch().RunAsync(Jobs.Of("a", Jobs.Job(container)));

        Assert.Equal(
            "a b|it's|\"quoted\"|two\nlines||$HOME|*|-n|ünï|2|$(A)|", await ReadLogAsync("a"));
    }

    [Fact]
    public async Task Without_a_command_the_images_own_is_run()
    {
        var container = Container([]);
        container["args"] = new JsonArray("sh", "-c", "echo from args");

        var exit = await Watch().RunAsync(Jobs.Of("a", Jobs.Job(container)));

        Assert.Equal((0, "from args\n"), (exit.Code, await ReadLogAsync("a")));
    }

    [Fact]
    public async Task What_cannot_be_started_says_why()
    {
        var runner = Watch();
        var missing = Container(["no-such-command"]);
        var root = Container(["true"]);
        root["securityContext"] = JsonNode.Parse("""{"runAsNonRoot": true}""");
        var absent = Container(["true"]);
        absent["image"] = "katib-test/none:1";
        var unreachable = Container(["true"]);
        unreachable["image"] = "127.0.0.1:1/none:1";
        unreachable["imagePullPolicy"] = "IfNotPresent";

        var command = await runner.RunAsync(Jobs.Of("a", Jobs.Job(missing)));
        var user = await runner.RunAsync(Jobs.Of("b", Jobs.Job(root)));
        var never = await runner.RunAsync(Jobs.Of("c", Jobs.Job(absent)));
        var pull = await runner.RunAsync(Jobs.Of("d", Jobs.Job(unreachable)));

        Assert.All([command, user, never, pull], static exit => Assert.Equal(TrialExitKind.NotStarted, exit.Kind));
        Assert.Contains("no-such-command", command.Message, StringComparison.Ordinal);
        Assert.Contains("runs as root; write runAsUser", user.Message, StringComparison.Ordinal);
        Assert.Contains("imagePullPolicy is Never; build or pull it", never.Message, StringComparison.Ordinal);
        Assert.Contains("'127.0.0.1:1/none:1' cannot be pulled", pull.Message, StringComparison.Ordinal);
        Assert.Contains("`docker pull 127.0.0.1:1/none:1`", pull.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_the_first_trial_an_image_that_cannot_be_had_is_a_problem_of_its_field()
    {
        var absent = Container(["true"]);
        absent["image"] = "katib-test/none:1";
        await using var runner = CreateRunner();

        var problem = Assert.Single(await runner.CheckAsync(
            new(Jobs.Job(absent), [], "main", Retain: false), Jobs.StdOut, TestContext.Current.CancellationToken));

        Assert.Equal("trialTemplate.trialSpec.spec.template.spec.containers[0].image", problem.Field);
    }

    [Fact]
    public async Task A_trial_that_ended_meanwhile_is_reported_by_the_next_runner()
    {
        var job = Shell("a", $"echo loss=1; read l < '{Pipe("go")}'; echo loss=2; exit 6");
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => first.Values("a") is ["1"], "the first value");
        }

        Release("go");
        _ = await DockerHere.AskAsync("wait", $"katib.{Store}.default.test.a.1");
        var second = Watch();
        var exit = await second.RunAsync(job);

        Assert.Equal(6, exit.Code);
        Assert.Equal(["1", "2"], second.Values("a"));
        Assert.Equal("loss=1\nloss=2\n", await ReadLogAsync("a"));
    }

    [Fact]
    public async Task A_container_that_somebody_removes_is_lost_and_the_next_attempt_runs()
    {
        var runner = Watch();
        await runner.StartAsync(Shell("a", $"echo > '{Folder}/begun'; sleep 1000"));
        await Wait.UntilAsync(() => File.Exists($"{Folder}/begun"), "the trial's beginning");

        _ = await DockerHere.AskAsync("rm", "--force", $"katib.{Store}.default.test.a.1");
        var lost = await runner.EndAsync("a");
        await runner.StartAsync(Shell("a", "echo second", attempt: 2));
        await Wait.UntilAsync(() => runner.Of("a").OfType<TrialEvent.Ended>().Count() is 2, "the second end");

        Assert.Equal((TrialExitKind.Lost, null), (lost.Kind, lost.Code));
        Assert.Equal("second\n", await ReadLogAsync("a", attempt: 2));
    }

    [Fact]
    public async Task A_stopped_attempt_never_counts_as_ended_by_itself()
    {
        var runner = Watch();
        var job = Shell("a", $"echo > '{Folder}/begun'; sleep 1000");
        await runner.StartAsync(job);
        await Wait.UntilAsync(() => File.Exists($"{Folder}/begun"), "the trial's beginning");

        await runner.StopAsync("a");
        var left = await LeftAsync();
        var exit = await runner.RunAsync(job);

        Assert.Empty(left);
        Assert.Equal(TrialExitKind.Lost, exit.Kind);
    }

    [Fact]
    public async Task A_sweep_ends_everything_of_its_experiment_whoever_has_started_it_and_nothing_else()
    {
        var script = $"echo ran >> '{Folder}/runs'; sleep 1000";
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(Shell("a", script));
            await Wait.UntilAsync(() => Lines("runs").Length is 1, "the first trial");
        }

        await using var runner = CreateRunner();
        await using var stranger = new DockerRunner(
            new($"{Store}x", "default", "test", Path.Combine(Folder, "other"), []), Jobs.Parser, new Said(), TimeProvider.System);
        await runner.StartAsync(Shell("b", script), TestContext.Current.CancellationToken);
        await stranger.StartAsync(Shell("a", script), TestContext.Current.CancellationToken);
        await Wait.UntilAsync(() => Lines("runs").Length is 3, "the second trial, and that of another store");

        await runner.SweepAsync(sparesKept: false, TestContext.Current.CancellationToken);
        var left = await LeftAsync();
        var others = await LeftAsync($"{Store}x");
        await stranger.SweepAsync(sparesKept: false, TestContext.Current.CancellationToken);

        Assert.Empty(left);
        Assert.NotEmpty(others);
        Assert.Empty(await LeftAsync($"{Store}x"));
    }

    [Fact]
    public async Task The_deadline_ends_a_trial_and_an_adopted_one_and_is_remembered()
    {
        TrialJob WithDeadline(string trial)
        {
            var job = Shell(trial, $"echo {trial} >> '{Folder}/runs'; sleep 1000");
            job.RunObject["spec"]!["activeDeadlineSeconds"] = 2;
            return job;
        }

        var exit = await Watch().RunAsync(WithDeadline("a"));
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(WithDeadline("b"));
            await Wait.UntilAsync(() => Lines("runs").Contains("b"), "the second trial's beginning");
        }

        var adopted = await Watch().RunAsync(WithDeadline("b"));
        var again = await Watch().RunAsync(WithDeadline("b"));

        Assert.All([exit, adopted, again], static end => Assert.Equal(TrialExitKind.DeadlineExceeded, end.Kind));
        Assert.Contains("activeDeadlineSeconds of 2 ", exit.Message, StringComparison.Ordinal);
        Assert.Equal(["a", "b"], Lines("runs"));
    }

    [Fact]
    public async Task Two_runners_that_race_run_a_trial_once()
    {
        var first = Watch();
        var second = Watch();
        for (var race = 0; race < 5; race++)
        {
            var trial = string.Create(CultureInfo.InvariantCulture, $"race-{race}");
            var job = Shell(trial, $"echo {trial} >> '{Folder}/runs'; exit 9");

            var exits = await Task.WhenAll(first.RunAsync(job), second.RunAsync(job));

            Assert.All(exits, static exit => Assert.Equal(9, exit.Code));
        }

        Assert.Equal(5, Lines("runs").Distinct().Count());
        Assert.Equal(5, Lines("runs").Length);
    }

    [Fact]
    public async Task A_connection_that_breaks_again_and_again_costs_no_line_and_doubles_none()
    {
        Assert.SkipUnless(File.Exists(Socket), $"Docker does not listen on {Socket}.");
        await using var cable = new CutCable(Socket);
        var said = new Said();
        await using var runner = new Watched(CreateRunner(said, cable.Address));
        await runner.StartAsync(Shell(
            "a", $"i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo loss=$i; sleep 0.1; done; read l < '{Pipe("go")}'; echo loss=41"));
        await Wait.UntilAsync(() => runner.Values("a").Length >= 3, "the first lines");

        cable.Cut();
        await Wait.UntilAsync(() => said.Sentences.Count is 1, "the notice");
        cable.Mend();
        await Wait.UntilAsync(() => runner.Values("a").Length >= 30, "more lines");
        cable.Cut();
        cable.Mend();
        Release("go");
        var exit = await runner.EndAsync("a");

        Assert.Equal(0, exit.Code);
        Assert.Equal(Enumerable.Range(1, 41).Select(static i => $"{i}"), runner.Values("a"));
        Assert.Contains("Docker does not answer", said.Sentences[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_custom_collector_runs_beside_the_trial_and_hears_of_its_end()
    {
        var collector = Container(["/bin/sh", "-c", $$"""
            trap 'echo $$KATIB_TRIAL_NAME $$TOKEN $$(cat /logs/values) >> "{{Folder}}/collected"; exit 0' TERM
            echo > "{{Folder}}/collecting"; while true; do sleep 0.1; done
            """]);
        collector["volumeMounts"] = JsonNode.Parse("""[{"name": "test", "mountPath": "FOLDER"}]""".Replace("FOLDER", Folder, StringComparison.Ordinal));
        var job = Shell("a", $"while [ ! -f '{Folder}/collecting' ]; do sleep 0.1; done; echo 7 > /logs/values", Jobs.Custom("/logs/", collector)) with
        {
            Environment = [new("TOKEN", "secret")],
        };

        var exit = await Watch().RunAsync(job);

        Assert.Equal((0, "The metrics collector ended by itself."), (exit.Code, exit.WhyUnavailable));
        Assert.Equal(["a secret 7"], Lines("collected"));
        Assert.Empty(await LeftAsync());
    }

    [Fact]
    public async Task A_custom_collector_that_fails_or_does_not_end_is_told_of()
    {
        var runner = Watch();
        var failing = Container(["/bin/sh", "-c", "echo oh dear; exit 3"]);
        var endless = Container(["/bin/sh", "-c", "trap '' TERM; sleep 1000"]);

        var failed = await runner.RunAsync(Shell("a", "sleep 1", Jobs.Custom("", failing)));
        var killed = await runner.RunAsync(Shell("b", "true", Jobs.Custom("", endless)));

        Assert.Equal((0, 0), (failed.Code, killed.Code));
        Assert.Equal("The metrics collector failed with exit code 3. Its last words:\noh dear", failed.WhyUnavailable);
        Assert.Equal("The metrics collector was ended by signal SIGKILL (9). It printed nothing.", killed.WhyUnavailable);
    }

    [Fact]
    public async Task A_custom_collector_runs_once_whoever_follows_the_trial_and_is_stopped_with_it()
    {
        var collector = Container(["/bin/sh", "-c", $"echo ran >> '{Folder}/collected'; sleep 1000"]);
        collector["volumeMounts"] = JsonNode.Parse("""[{"name": "test", "mountPath": "FOLDER"}]""".Replace("FOLDER", Folder, StringComparison.Ordinal));
        var job = Shell("a", $"echo > '{Folder}/begun'; sleep 1000", Jobs.Custom("", collector));
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => File.Exists($"{Folder}/begun") && Lines("collected").Length > 0, "the beginning of both");
        }

        var second = Watch();
        await second.StartAsync(job);
        await second.StopAsync("a");

        Assert.Equal(["ran"], Lines("collected"));
        Assert.Empty(await LeftAsync());
    }

    protected override TrialJob Shell(
        string trial, string script, MetricsCollectorSpec? collector = null, int attempt = 1)
    {
        var escaped = script.Replace("$", "$$", StringComparison.Ordinal);
        var job = Jobs.Of(trial, Jobs.Job(Container(["/bin/sh", "-c", escaped])), collector, attempt);
        Mount(job, new JsonObject { ["name"] = "test", ["hostPath"] = new JsonObject { ["path"] = Folder } }.ToJsonString(), Folder);
        return job;
    }

    protected override ITrialRunner Create() => CreateRunner();

    protected override Task<string> ServerAsync() => Task.FromResult("httpd -f -p $KATIB_METRICS_PORT");

    protected override async Task CleanUpAsync()
    {
        await using var runner = CreateRunner();
        await runner.SweepAsync(sparesKept: false, CancellationToken.None);
        Assert.Empty(await LeftAsync());
    }

    private DockerRunner CreateRunner(IProgress<string>? progress = null, Uri? endpoint = null) => new(
        new(Store, "default", "test", Trials, []) { Grace = TimeSpan.Zero, CollectorGrace = TimeSpan.FromSeconds(3), Endpoint = endpoint },
        Jobs.Parser,
        progress ?? new Said(),
        TimeProvider.System);

    private static JsonObject Container(string[] command)
    {
        var container = Jobs.Container(command);
        container["image"] = DockerHere.Image;
        container["imagePullPolicy"] = "Never";
        return container;
    }

    private static JsonObject ContainerOf(TrialJob job) => PodOf(job)["containers"]![0]!.AsObject();

    private static JsonObject PodOf(TrialJob job) => job.RunObject["spec"]!["template"]!["spec"]!.AsObject();

    private static void Mount(TrialJob job, string volume, string path)
    {
        var (pod, container) = (PodOf(job), ContainerOf(job));
        var node = JsonNode.Parse(volume)!;
        var mount = new JsonObject { ["name"] = (string)node["name"]!, ["mountPath"] = path };
        pod["volumes"] ??= new JsonArray();
        pod["volumes"]!.AsArray().Add(node);
        container["volumeMounts"] ??= new JsonArray();
        container["volumeMounts"]!.AsArray().Add((JsonNode)mount);
    }

    /// <summary>The names of what a store's trials have left on the daemon.</summary>
    private async Task<string> LeftAsync(string? store = null)
    {
        var filter = $"label=katib.store={store ?? Store}";
        return await DockerHere.AskAsync("ps", "--all", "--quiet", "--filter", filter)
            + await DockerHere.AskAsync("volume", "ls", "--quiet", "--filter", filter);
    }

    private Task<string> ReadLogAsync(string trial, int attempt = 1) =>
        File.ReadAllTextAsync(TrialLog.FileOf(Trials, trial, attempt), TestContext.Current.CancellationToken);

    private sealed class Said : IProgress<string>
    {
        public List<string> Sentences { get; } = [];

        public void Report(string value) => Sentences.Add(value);
    }
}
