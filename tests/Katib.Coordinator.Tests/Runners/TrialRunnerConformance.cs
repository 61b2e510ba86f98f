using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Tests.Metrics;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>What every runner of trials keeps to, whatever it runs them on.</summary>
public abstract class TrialRunnerConformance : IAsyncLifetime
{
    private readonly List<Watched> _runners = [];

    /// <summary>Where workers of this test write, and the runner keeps its trials.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("katib test ").FullName;

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var runner in _runners)
        {
            await runner.DisposeAsync();
        }

        await CleanUpAsync();
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Exit_codes_are_reported()
    {
        var runner = Watch();

        var good = await runner.RunAsync(Shell("good", "exit 0"));
        var bad = await runner.RunAsync(Shell("bad", "echo oh dear; exit 3"));

        Assert.Equal((TrialExitKind.Exited, 0), (good.Kind, good.Code));
        Assert.Equal((TrialExitKind.Exited, 3), (bad.Kind, bad.Code));
        Assert.Equal("The trial's program failed with exit code 3. Its last words:\noh dear", bad.Message);
    }

    [Fact]
    public async Task Starting_twice_runs_once()
    {
        var runner = Watch();
        var job = Shell("a", $"echo ran >> '{Folder}/runs'; read line < '{Pipe("go")}'");

        await runner.StartAsync(job);
        await runner.StartAsync(job);
        await Wait.UntilAsync(() => Lines("runs").Length > 0, "the first run");
        await runner.StartAsync(job);
        Release("go");
        _ = await runner.EndAsync("a");

        Assert.Equal(["ran"], Lines("runs"));
        _ = Assert.Single(Told(runner, "a"));
    }

    [Fact]
    public async Task Starting_what_has_ended_reports_it_again()
    {
        var runner = Watch();
        var job = Shell("a", $"echo ran >> '{Folder}/runs'; echo loss=1; exit 4");

        _ = await runner.RunAsync(job);
        await runner.StartAsync(job);
        await Wait.UntilAsync(() => Told(runner, "a").Length is 4, "the second report");

        Assert.Equal(["ran"], Lines("runs"));
        Assert.Equal(["1", "1"], runner.Values("a"));
        Assert.All(Told(runner, "a").OfType<TrialEvent.Measured>(), static measured => Assert.Equal(0, measured.First));
        Assert.All(Told(runner, "a").OfType<TrialEvent.Ended>(), static ended => Assert.Equal(4, ended.Exit.Code));
    }

    [Fact]
    public async Task A_later_attempt_runs_again()
    {
        var runner = Watch();
        var script = $"echo ran >> '{Folder}/runs'";

        _ = await runner.RunAsync(Shell("a", script));
        await runner.StartAsync(Shell("a", script, attempt: 2));
        await Wait.UntilAsync(() => Told(runner, "a").Length is 2, "the second end");

        Assert.Equal(["ran", "ran"], Lines("runs"));
    }

    [Fact]
    public async Task Stopping_the_unknown_is_fine()
    {
        var runner = Watch();

        await runner.StopAsync("nobody");

        Assert.Empty(runner.Of("nobody"));
    }

    [Fact]
    public async Task A_stopped_trial_is_heard_of_no_more()
    {
        var runner = Watch();
        await runner.StartAsync(Shell("a", $"echo > '{Folder}/begun'; sleep 1000; echo loss=1"));
        await Wait.UntilAsync(() => File.Exists($"{Folder}/begun"), "the trial's beginning");

        await runner.StopAsync("a");
        _ = await runner.RunAsync(Shell("b", "exit 0"));

        Assert.Empty(Told(runner, "a"));
    }

    [Fact]
    public async Task Metrics_are_reported_as_they_appear_and_numbered()
    {
        var runner = Watch();
        await runner.StartAsync(
            Shell("a", $"echo loss=1; echo noise; read l < '{Pipe("go")}'; echo loss=2; printf loss=3"));

        await Wait.UntilAsync(() => runner.Values("a") is ["1"], "the first value while the trial runs");
        Release("go");
        _ = await runner.EndAsync("a");

        Assert.Equal(["1", "2", "3"], runner.Values("a"));
        var measured = runner.Of("a").OfType<TrialEvent.Measured>().ToArray();
        Assert.Equal(
            measured.Select((_, i) => measured.Take(i).Sum(static earlier => (long)earlier.Points.Length)),
            measured.Select(static m => m.First));
        _ = Assert.IsType<TrialEvent.Ended>(runner.Of("a")[^1]);
    }

    [Fact]
    public async Task A_trial_that_takes_too_long_is_stopped_with_all_it_has_reported()
    {
        var runner = Watch();

        var exit = await runner.RunAsync(Shell("a", "echo loss=1; sleep 1000") with { Timeout = TimeSpan.FromSeconds(1) });

        Assert.Equal((TrialExitKind.TimedOut, null), (exit.Kind, exit.Code));
        Assert.StartsWith("The trial ran for longer than the 1s of its timeout and was stopped. Its last words:\nloss=1", exit.Message, StringComparison.Ordinal);
        Assert.Equal(["1"], runner.Values("a"));
    }

    [Fact]
    public async Task Event_files_are_streams_of_their_own()
    {
        var runner = Watch();
        byte[] first = [.. EventFiles.Head, .. EventFiles.Simple("loss", 1)];
        var script = $"mkdir -p '/logs/train'; {EventFiles.Printf(first)} > '/logs/train/tfevents'; read l < '{Pipe("go")}'; "
            + $"{EventFiles.Printf(EventFiles.Simple("loss", 2))} >> '/logs/train/tfevents'; "
            + $"{EventFiles.Printf(EventFiles.Tensor("loss", 3))} > '/logs/tfevents'";

        await runner.StartAsync(Shell("a", script, Jobs.Events("/logs/")));
        await Wait.UntilAsync(() => runner.Values("a") is ["1"], "the first value while the trial runs");
        Release("go");
        var exit = await runner.EndAsync("a");

        Assert.Equal(0, exit.Code);
        Assert.Equal(
            [("tfevents", 0, "3"), ("train/tfevents", 0, "1"), ("train/tfevents", 1, "2")],
            runner.Of("a").OfType<TrialEvent.Measured>()
                .Select(static m => (m.Stream, m.First, Assert.Single(m.Points).Value)).Order());
    }

    [Fact]
    public async Task A_second_runner_adopts_what_runs()
    {
        var job = Shell(
            "a", $"echo ran >> '{Folder}/runs'; echo loss=1; read l < '{Pipe("go")}'; echo loss=2; exit 5");
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => first.Values("a") is ["1"], "the first value");
        }

        var second = Watch();
        await second.StartAsync(job);
        await Wait.UntilAsync(() => second.Values("a") is ["1"], "the first value, told again");
        Release("go");
        var exit = await second.EndAsync("a");

        Assert.Equal(["ran"], Lines("runs"));
        Assert.Equal(["1", "2"], second.Values("a"));
        Assert.Equal((TrialExitKind.Exited, 5), (exit.Kind, exit.Code));
    }

    [Fact]
    public async Task A_page_of_metrics_is_asked_for_while_the_trial_runs_whoever_follows_it()
    {
        var server = await ServerAsync();
        var job = Shell("a", $"cd '{Folder}'; {server} & read l < '{Pipe("go")}'; kill $!", Jobs.Prometheus);
        Serve("loss 1");
        await using (var first = new Watched(Create()))
        {
            await first.StartAsync(job);
            await Wait.UntilAsync(() => first.Values("a") is ["1"], "the first value while the trial runs");
        }

        Serve("loss 2");
        var second = Watch();
        await second.StartAsync(job);
        await Wait.UntilAsync(() => second.Values("a") is ["1", "2"], "the first value, told again, and the next one");
        Release("go");
        var exit = await second.EndAsync("a");

        Assert.Equal(0, exit.Code);
        Assert.Equal(["1", "2"], second.Values("a"));
        Assert.Equal([0, 1], second.Of("a").OfType<TrialEvent.Measured>().Select(static m => m.First));
    }

    [Fact]
    public async Task Why_a_page_has_no_value_is_said_at_the_end()
    {
        var exit = await Watch().RunAsync(Shell("a", "echo $KATIB_METRICS_PORT; sleep 2", Jobs.Prometheus));

        Assert.Equal(0, exit.Code);
        Assert.StartsWith("There is no answer at http://", exit.WhyUnavailable, StringComparison.Ordinal);
        Assert.Contains("on the port that KATIB_METRICS_PORT names", exit.WhyUnavailable, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_collector_None_reads_nothing()
    {
        var runner = Watch();

        var exit = await runner.RunAsync(Shell("a", "echo loss=1", Jobs.None));

        Assert.Equal(0, exit.Code);
        Assert.Equal("The collector None reads nothing of a trial.", exit.WhyUnavailable);
        _ = Assert.Single(Told(runner, "a"));
    }

    /// <summary>A runner on <see cref="Folder"/>; each is like a new coordinator's.</summary>
    protected abstract ITrialRunner Create();

    /// <summary>A trial that runs a script of the shell, which may use <see cref="Folder"/>.</summary>
    protected virtual TrialJob Shell(
        string trial, string script, MetricsCollectorSpec? collector = null, int attempt = 1) =>
        Jobs.Shell(trial, script, collector, attempt);

    /// <summary>The command with which a trial serves the files of its working directory; skips the test where there is none.</summary>
    protected abstract Task<string> ServerAsync();

    /// <summary>Ends what a test has left.</summary>
    protected abstract Task CleanUpAsync();

    private void Serve(string page)
    {
        File.WriteAllText(Path.Combine(Folder, "draft"), page);
        File.Move(Path.Combine(Folder, "draft"), Path.Combine(Folder, "metrics"), overwrite: true);
    }

    private protected Watched Watch() => Watch(Create());

    private protected Watched Watch(ITrialRunner runner)
    {
        var watched = new Watched(runner);
        _runners.Add(watched);
        return watched;
    }

    /// <summary>What was told of a trial, but for where it stands.</summary>
    private static TrialEvent[] Told(Watched runner, string trial) => [.. runner.Of(trial).Where(static e => e is not TrialEvent.Noted)];

    protected string[] Lines(string name) =>
        File.Exists(Path.Combine(Folder, name)) ? File.ReadAllLines(Path.Combine(Folder, name)) : [];

    /// <summary>A pipe on which a worker waits until <see cref="Release"/>.</summary>
    protected string Pipe(string name)
    {
        var path = Path.Combine(Folder, name);
        using var made = System.Diagnostics.Process.Start("mkfifo", [path]);
        made.WaitForExit();
        return path;
    }

    protected void Release(string name) => File.WriteAllText(Path.Combine(Folder, name), "go\n");
}
