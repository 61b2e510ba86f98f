using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Attempts;
using Katib.Coordinator.Runners.Local;

namespace Katib.Coordinator.Tests.Runners;

public sealed class ProcessRunnerTests : TrialRunnerConformance
{
    private string Trials => Path.Combine(Folder, "trials");

    [Fact]
    public async Task Signals_are_named()
    {
        var exit = await Watch().RunAsync(Jobs.Shell("a", "kill -9 $$"));

        Assert.Equal((TrialExitKind.Exited, 137), (exit.Kind, exit.Code));
        Assert.Equal("The trial's program was ended by signal SIGKILL (9). It printed nothing.", exit.Message);
    }

    [Fact]
    public async Task Stdout_and_stderr_go_to_the_log_in_order()
    {
        _ = await Watch().RunAsync(Jobs.Shell("a", "echo one; echo two >&2; echo three"));

        Assert.Equal("one\ntwo\nthree\n", await ReadLogAsync("a"));
    }

    [Fact]
    public async Task The_message_ends_with_the_last_twenty_lines()
    {
        var exit = await Watch().RunAsync(
            Jobs.Shell("a", "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done; exit 1"));

        Assert.Equal(
            Enumerable.Range(81, 20).Select(static i => $"line {i}"), exit.Message.Split('\n').Skip(1));
    }

    [Fact]
    public async Task Arguments_arrive_as_they_were_written()
    {
        string[] nasty = ["a b", "it's", "\"quoted\"", "two\nlines", "", "$HOME", "*", "-n", "back\\slash", "ünï"];
        var job = Jobs.Of("a", Jobs.Job(Jobs.Container(["/bin/sh", "-c", "printf '%s|' \"$$@\"", "sh", .. nasty])));

        _ = await Watch().RunAsync(job);

        Assert.Equal(string.Concat(nasty.Select(static text => text + "|")), await ReadLogAsync("a"));
    }

    [Fact]
    public async Task A_command_is_never_a_builtin_of_the_supervisors_shell()
    {
        var job = Jobs.Of("a", Jobs.Job(Jobs.Container(["printenv", "KATIB_TRIAL_NAME"])));

        var exit = await Watch().RunAsync(job);
        var builtin = await Watch().RunAsync(Jobs.Of("b", Jobs.Job(Jobs.Container(["exit", "3"]))));

        Assert.Equal(0, exit.Code);
        Assert.Equal("a\n", await ReadLogAsync("a"));
        Assert.Equal(TrialExitKind.NotStarted, builtin.Kind);
    }

    [Fact]
    public async Task Env_arrives_with_odd_names_and_later_entries_winning()
    {
        var container = Jobs.Container(["env"]);
        container["env"] = JsonNode.Parse("""
            [{"name": "GREETING", "value": "it's \"here\""}, {"name": "my.flag", "value": "on"},
             {"name": "TWICE", "value": "1"}, {"name": "TWICE", "value": "2"}, {"name": "EMPTY"}]
            """);

        _ = await Watch().RunAsync(Jobs.Of("a", Jobs.Job(container)));
        var environment = (await ReadLogAsync("a")).Split('\n');

        Assert.Contains("GREETING=it's \"here\"", environment);
        Assert.Contains("my.flag=on", environment);
        Assert.Contains("TWICE=2", environment);
        Assert.Contains("EMPTY=", environment);
        Assert.Contains($"KATIB_METRICS_DIR={Trials}/a/1/metrics", environment);
    }

    [Fact]
    public async Task The_working_directory_is_the_templates_or_else_the_runners()
    {
        _ = Directory.CreateDirectory(Path.Combine(Folder, "sub dir"));
        var container = Jobs.Container(["pwd"]);
        var elsewhere = Jobs.Container(["pwd"]);
        elsewhere["workingDir"] = "sub dir";
        var runner = Watch();

        _ = await runner.RunAsync(Jobs.Of("a", Jobs.Job(container)));
        _ = await runner.RunAsync(Jobs.Of("b", Jobs.Job(elsewhere)));

        Assert.Equal(Folder + "\n", await ReadLogAsync("a"));
        Assert.Equal(Path.Combine(Folder, "sub dir") + "\n", await ReadLogAsync("b"));
    }

    [Fact]
    public async Task What_is_missing_on_this_machine_is_named()
    {
        var container = Jobs.Container(["true"]);
        container["workingDir"] = "/no/such/place";
        var runner = Watch();

        var directory = await runner.RunAsync(Jobs.Of("a", Jobs.Job(container)));
        var command = await runner.RunAsync(Jobs.Of("b", Jobs.Job(Jobs.Container(["no-such-command"]))));
        var path = await runner.RunAsync(Jobs.Of("c", Jobs.Job(Jobs.Container(["./train.sh"]))));

        Assert.All([directory, command, path], static exit => Assert.Equal(TrialExitKind.NotStarted, exit.Kind));
        Assert.Contains("'/no/such/place' does not exist", directory.Message, StringComparison.Ordinal);
        Assert.Contains("'no-such-command' is not on the PATH", command.Message, StringComparison.Ordinal);
        Assert.Contains($"'{Folder}/train.sh' does not exist", path.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_metrics_file_that_appears_late_is_read_to_its_end()
    {
        var runner = Watch();
        var script = $"read l < '{Pipe("go")}'; echo loss=7 > '/katib/mnist.log'; "
            + $"read l < '{Pipe("end")}'; printf loss=8 >> '/katib/mnist.log'";
        await runner.StartAsync(Jobs.Shell("a", script, Jobs.File("/katib/mnist.log")));

        Release("go");
        await Wait.UntilAsync(() => runner.Values("a") is ["7"], "the file's first value");
        Release("end");
        _ = await runner.EndAsync("a");

        Assert.Equal(["7", "8"], runner.Values("a"));
    }

    [Fact]
    public async Task Stopping_takes_the_whole_tree_along()
    {
        var runner = Watch();
        await runner.StartAsync(Jobs.Shell("a", $$"""
            trap '' TERM
            setsid sh -c 'echo $$ >> "{{Folder}}/pids"; exec sleep 1000' &
            env -i /bin/sh -c 'echo $$ >> "{{Folder}}/pids"; exec sleep 1000' &
            (sleep 1000 & echo $! >> '{{Folder}}/pids')
            echo $$ >> '{{Folder}}/pids'
            wait
            """));
        await Wait.UntilAsync(() => Lines("pids").Length is 4, "four processes");

        await runner.StopAsync("a");

        Assert.All(Lines("pids"), static pid => Assert.False(IsAlive(pid), $"{pid} still runs."));
    }

    [Fact]
    public async Task What_a_trial_leaves_behind_ends_with_it()
    {
        var script = $"setsid sleep 1000 & echo $! >> '{Folder}/pids'; sleep 1000 & echo $! >> '{Folder}/pids'";

        var exit = await Watch().RunAsync(Jobs.Shell("a", script));

        Assert.Equal(0, exit.Code);
        Assert.All(Lines("pids"), static pid => Assert.False(IsAlive(pid), $"{pid} still runs."));
    }

    [Fact]
    public async Task A_sweep_ends_everything_whoever_has_started_it()
    {
        var script = $"echo $$ >> '{Folder}/pids'; sleep 1000";
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(Jobs.Shell("a", script));
            await Wait.UntilAsync(() => Lines("pids").Length is 1, "the first trial");
        }

        await using var runner = CreateRunner();
        await runner.StartAsync(Jobs.Shell("b", script), TestContext.Current.CancellationToken);
        await Wait.UntilAsync(() => Lines("pids").Length is 2, "the second trial");
        await runner.SweepAsync(sparesKept: false, TestContext.Current.CancellationToken);

        Assert.All(Lines("pids"), static pid => Assert.False(IsAlive(pid), $"{pid} still runs."));
    }

    [Fact]
    public async Task The_deadline_ends_a_trial()
    {
        var exit = await Watch().RunAsync(WithDeadline("a", $"echo $$ >> '{Folder}/pids'; echo here; sleep 1000"));

        Assert.Equal((TrialExitKind.DeadlineExceeded, null), (exit.Kind, exit.Code));
        Assert.Contains("activeDeadlineSeconds of 1 ", exit.Message, StringComparison.Ordinal);
        Assert.False(IsAlive(Lines("pids")[0]));
    }

    [Fact]
    public async Task The_deadline_ends_an_adopted_trial_and_is_remembered()
    {
        var job = WithDeadline("a", $"echo $$ >> '{Folder}/pids'; sleep 1000");
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => Lines("pids").Length is 1, "the trial's beginning");
        }

        var adopted = await Watch().RunAsync(job);
        var again = await Watch().RunAsync(job);

        Assert.Equal(TrialExitKind.DeadlineExceeded, adopted.Kind);
        Assert.Equal(TrialExitKind.DeadlineExceeded, again.Kind);
        Assert.False(IsAlive(Lines("pids")[0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_clock_that_is_put_back_keeps_no_trial_beyond_its_deadline(bool isAdopted)
    {
        var job = WithDeadline("a", $"echo $$ >> '{Folder}/pids'; sleep 1000");
        if (isAdopted)
        {
            await using var first = new Watched(Create());
            await first.StartAsync(job);
            await Wait.UntilAsync(() => Lines("pids").Length is 1, "the trial's beginning");
        }

        var clock = new ClockPutBack();
        await using var runner = new Watched(CreateRunner(clock));
        await runner.StartAsync(job);
        await Wait.UntilAsync(() => Lines("pids").Length is 1, "the trial");
        clock.IsBack = true;
        var exit = await runner.EndAsync("a");

        Assert.Equal(TrialExitKind.DeadlineExceeded, exit.Kind);
    }

    [Fact]
    public async Task A_trial_whose_folder_is_removed_is_lost_with_that_reason()
    {
        var runner = Watch();

        var exit = await runner.RunAsync(Jobs.Shell("a", "rm -rf \"$KATIB_TRIAL_DIR\""));

        Assert.Equal(TrialExitKind.Lost, exit.Kind);
        Assert.Contains("was removed while it ran", exit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_that_is_put_off_for_a_device_says_so_and_when_it_is_over()
    {
        await using var runner = new Watched(CreateRunner("4"));
        var go = Pipe("go");
        await runner.StartAsync(Jobs.Shell("a", $"read l < '{go}'"));
        await Wait.UntilAsync(() => File.Exists(TrialLog.FileOf(Trials, "a", 1)), "the first trial");
        await runner.StartAsync(Jobs.Shell("b", "true"));
        await Wait.UntilAsync(() => runner.Of("b").Length is 1, "the second trial");
        Release("go");
        _ = await runner.EndAsync("b");

        Assert.Equal(
            [("WaitingForGpu", "It waits for a device: 4 is taken."), ("TrialRunning", "Trial is running")],
            runner.Of("b").OfType<TrialEvent.Noted>().Select(static n => (n.Reason, n.Message)));
        Assert.DoesNotContain(runner.Of("a"), static e => e is TrialEvent.Noted { Reason: not "TrialRunning" });
    }

    [Fact]
    public async Task A_trial_that_ended_meanwhile_is_reported_by_the_next_runner()
    {
        var job = Jobs.Shell("a", $"echo loss=1; read l < '{Pipe("go")}'; echo loss=2; exit 6");
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => first.Values("a") is ["1"], "the first value");
        }

        Release("go");
        await Wait.UntilAsync(() => File.Exists($"{Trials}/a/1/exit"), "the exit file");
        var second = Watch();
        var exit = await second.RunAsync(job);

        Assert.Equal(6, exit.Code);
        Assert.Equal(["1", "2"], second.Values("a"));
    }

    [Fact]
    public async Task A_trial_whose_supervisor_was_killed_is_lost_with_all_its_processes()
    {
        var job = Jobs.Shell("a", $"echo $$ >> '{Folder}/pids'; sleep 1000");
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => Lines("pids").Length is 1, "the trial's beginning");
        }

        Kill((await File.ReadAllTextAsync($"{Trials}/a/1/claim", TestContext.Current.CancellationToken)).Split(' ')[0]);
        var exit = await Watch().RunAsync(job);

        Assert.Equal((TrialExitKind.Lost, null), (exit.Kind, exit.Code));
        Assert.False(IsAlive(Lines("pids")[0]));
    }

    [Theory]
    [InlineData("", "died before it signed")]
    [InlineData("1 1700000000\n", "its pid is another program's now")]
    [InlineData("stopped\n", "was stopped before it began")]
    public async Task A_claim_without_a_supervisor_is_lost(string claim, string why)
    {
        _ = Directory.CreateDirectory($"{Trials}/a/1");
        await File.WriteAllTextAsync($"{Trials}/a/1/claim", claim, TestContext.Current.CancellationToken);

        var exit = await Watch().RunAsync(Jobs.Shell("a", $"echo ran >> '{Folder}/runs'"));

        Assert.True(exit.Kind is TrialExitKind.Lost, why);
        Assert.Empty(Lines("runs"));
    }

    [Fact]
    public async Task A_stopped_attempt_never_counts_as_ended_by_itself()
    {
        var job = Jobs.Shell("a", $"echo $$ >> '{Folder}/pids'; sleep 1000");
        var runner = Watch();
        await runner.StartAsync(job);
        await Wait.UntilAsync(() => Lines("pids").Length is 1, "the trial's beginning");
        await runner.StopAsync("a");

        var exit = await runner.RunAsync(job);

        Assert.Equal(TrialExitKind.Lost, exit.Kind);
    }

    [Fact]
    public async Task Two_runners_that_race_run_a_trial_once()
    {
        var first = Watch();
        var second = Watch();
        for (var race = 0; race < 20; race++)
        {
            var trial = string.Create(CultureInfo.InvariantCulture, $"race-{race}");
            var job = Jobs.Shell(trial, $"echo {trial} >> '{Folder}/runs'; exit 9");

            var exits = await Task.WhenAll(first.RunAsync(job), second.RunAsync(job));

            Assert.All(exits, static exit => Assert.Equal(9, exit.Code));
        }

        Assert.Equal(20, Lines("runs").Distinct().Count());
        Assert.Equal(20, Lines("runs").Length);
    }

    [Fact]
    public async Task Each_running_trial_has_a_device_of_its_own()
    {
        await using var runner = new Watched(CreateRunner("4", "7"));
        var go = Pipe("go");
        foreach (var trial in new[] { "a", "b", "c" })
        {
            await runner.StartAsync(
                Jobs.Shell(trial, $"echo $CUDA_VISIBLE_DEVICES >> '{Folder}/devices'; read l < '{go}'"));
        }

        await Wait.UntilAsync(() => Lines("devices").Length is 2, "two trials");
        var before = Lines("devices");
        Release("go");
        await Wait.UntilAsync(() => Lines("devices").Length is 3, "the third trial");
        await runner.StopAsync("a");
        await runner.StopAsync("b");
        await runner.StopAsync("c");

        Assert.Equal(["4", "7"], before.Order());
    }

    [Fact]
    public async Task An_adopted_trial_keeps_its_device()
    {
        var job = Jobs.Shell("a", $"echo $CUDA_VISIBLE_DEVICES >> '{Folder}/devices'; read l < '{Pipe("go")}'");
        await using (var first = new Watched(CreateRunner("0", "1")))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => Lines("devices") is ["0"], "the first trial");
        }

        await using var second = new Watched(CreateRunner("0", "1"));
        await second.StartAsync(Jobs.Shell("b", $"echo $CUDA_VISIBLE_DEVICES >> '{Folder}/devices'"));
        _ = await second.EndAsync("b");
        await second.StartAsync(job);
        Release("go");
        _ = await second.EndAsync("a");

        Assert.Equal(["0", "1"], Lines("devices"));
    }

    [Fact]
    public async Task The_supervisor_has_no_hold_on_the_coordinators_input_and_output()
    {
        var runner = Watch();
        await runner.StartAsync(Jobs.Shell(
            "a", $"cd /proc/$PPID/fd; readlink 0 1 2 > '{Folder}/fds'; read line; echo end=$?"));

        _ = await runner.EndAsync("a");

        Assert.Equal("end=1\n", await ReadLogAsync("a"));
        Assert.Equal(["/dev/null", "/dev/null", "/dev/null"], Lines("fds"));
    }

    [Fact]
    public async Task Perl_makes_the_session_where_there_is_no_setsid()
    {
        var folder = new AttemptFolder(Path.Combine(Trials, "a", "1"));
        folder.Create();
        var program = new LocalProgram(
            ["/bin/sh", "-c", "ps -o pid=,sid= -p $PPID"], Folder, []);

        using var supervisor = Launcher.WithPerl(Trials).Start(folder, program);
        await supervisor.WaitForExitAsync(TestContext.Current.CancellationToken);
        var ids = (await ReadLogAsync("a")).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(0, folder.ReadExit());
        Assert.Equal(ids[0], ids[1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    public async Task A_name_that_is_no_folders_is_refused(string trial)
    {
        var runner = Watch();

        _ = await Assert.ThrowsAsync<ArgumentException>(() => runner.StartAsync(Jobs.Shell(trial, "true")));
    }

    [Fact]
    public async Task Trials_at_once_serve_their_metrics_on_ports_of_their_own()
    {
        string[] trials = ["a", "b", "c"];
        var runner = Watch();
        var container = Jobs.Container(["sh", "-c", $"[ $(PORT) = $$KATIB_METRICS_PORT ] && echo $(PORT) > '{Folder}/port.$(KATIB_TRIAL_NAME)'; read l < '{Pipe("go")}'"]);
        container["env"] = JsonNode.Parse("""[{"name": "PORT", "value": "$(KATIB_METRICS_PORT)"}]""");

        foreach (var trial in trials)
        {
            await runner.StartAsync(Jobs.Of(trial, Jobs.Job(container.DeepClone().AsObject()), Jobs.Prometheus));
        }

        await Wait.UntilAsync(() => trials.All(trial => Lines($"port.{trial}").Length is 1), "three trials");

        Assert.Equal(3, trials.Select(trial => Lines($"port.{trial}")[0]).Distinct().Count());
        Assert.All(trials, trial => Assert.Equal(
            Lines($"port.{trial}")[0], File.ReadAllText(Path.Combine(Trials, trial, "1", "port"))));
    }

    protected override ITrialRunner Create() => CreateRunner();

    protected override async Task<string> ServerAsync()
    {
        const string Python = "python3";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Python, ["--version"]) { RedirectStandardOutput = true })!;
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"There is no {Python} to serve a page.");
        }

        return $"{Python} -m http.server --bind 127.0.0.1 $KATIB_METRICS_PORT";
    }

    protected override async Task CleanUpAsync()
    {
        await using var runner = CreateRunner();
        await runner.SweepAsync(sparesKept: false, CancellationToken.None);
    }

    private ProcessRunner CreateRunner(params string[] gpus) => CreateRunner(TimeProvider.System, gpus);

    private ProcessRunner CreateRunner(TimeProvider time, params string[] gpus) => new(
        new(Trials, Folder, [.. gpus]) { Grace = TimeSpan.FromMilliseconds(200) }, Jobs.Parser, time);

    private static TrialJob WithDeadline(string trial, string script)
    {
        var job = Jobs.Shell(trial, script);
        job.RunObject["spec"]!["activeDeadlineSeconds"] = 1;
        return job;
    }

    private Task<string> ReadLogAsync(string trial) =>
        File.ReadAllTextAsync(TrialLog.FileOf(Trials, trial, 1), TestContext.Current.CancellationToken);

    private static bool IsAlive(string pid)
    {
        var stat = $"/proc/{int.Parse(pid, CultureInfo.InvariantCulture)}/stat";
        return File.Exists(stat) && !File.ReadAllText(stat).Contains(") Z", StringComparison.Ordinal);
    }

    private static void Kill(string pid)
    {
        using var process = Process.GetProcessById(int.Parse(pid, CultureInfo.InvariantCulture));
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>The clock on the wall, which somebody puts back by an hour.</summary>
    private sealed class ClockPutBack : TimeProvider
    {
        public bool IsBack { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - (IsBack ? TimeSpan.FromHours(1) : TimeSpan.Zero);
    }
}
