namespace Katib.EndToEnd.Tests.Faults;

/// <summary>What goes wrong in a trial's own program, and where <c>katib status</c> says it.</summary>
public sealed class WorkerFaultTests(FaultyWorkers run) : IClassFixture<FaultyWorkers>
{
    [Theory]
    [InlineData("wrong-name", "MetricsUnavailable", "MetricsUnavailable", "Found 'acc', expected 'accuracy'.")]
    [InlineData("wrong-case", "MetricsUnavailable", "MetricsUnavailable", "Found 'Accuracy', expected 'accuracy'.")]
    [InlineData("nan", "Failed", "TrialFailed", "'accuracy' is NaN.")]
    [InlineData("no-number", "MetricsUnavailable", "MetricsUnavailable", "'accuracy' was never reported. Line 1: The metric 'accuracy'")]
    [InlineData("exit-code", "Failed", "TrialFailed", "failed with exit code 3. Its last words:\nline 11\nline 12\n")]
    [InlineData("no-command", "Failed", "TrialFailed", "failed with exit code 127.")]
    [InlineData("killed", "Failed", "TrialFailed", "was ended by signal SIGKILL (9). Its last words:\nepoch 1")]
    [InlineData("buffered", "Succeeded", "TrialSucceeded", "accuracy=0.5")]
    [InlineData("buffered-killed", "Failed", "TrialFailed", "was ended by signal SIGKILL (9). It printed nothing.")]
    [InlineData("silent-hang", "Failed", "TrialTimedOut", "ran for longer than the 55s of its timeout and was stopped. Its last words:\nloading")]
    [InlineData("late-hang", "Failed", "TrialTimedOut", "Its last words:\naccuracy=0.4")]
    [InlineData("deaf-hang", "Failed", "TrialTimedOut", "It printed nothing.")]
    [InlineData("huge-log", "Succeeded", "TrialSucceeded", "accuracy=0.9")]
    [InlineData("endless-line", "MetricsUnavailable", "MetricsUnavailable", "'accuracy' was never reported.")]
    [InlineData("binary-log", "Succeeded", "TrialSucceeded", "accuracy=0.8")]
    [InlineData("grandchild", "Succeeded", "TrialSucceeded", "accuracy=0.7")]
    [InlineData("zombie", "Succeeded", "TrialSucceeded", "accuracy=0.6")]
    [InlineData("no-folder", "Failed", "WorkerLost", "was removed while it ran, and with it its log and its exit code.")]
    [InlineData("file-limit", "Failed", "TrialFailed", "was ended by signal SIGXFSZ (25).")]
    public void Its_end_is_named(string fault, string status, string reason, string sentence)
    {
        var end = run.Ends[fault];

        Assert.Equal((status, reason), (end.Status, end.Reason));
        Assert.Contains(sentence, end.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("silent-hang", "no value of 'accuracy' so far. The last line of its log is 'loading'.")]
    [InlineData("deaf-hang", "no value of 'accuracy' so far. It has printed nothing")]
    [InlineData("buffered", "PYTHONUNBUFFERED=1")]
    [InlineData("buffered-killed", "PYTHONUNBUFFERED=1")]
    public void Silence_is_named_while_it_lasts(string fault, string sentence)
    {
        var told = run.Meanwhile[fault].FirstOrDefault(static t => t.Reason is "NothingReported");

        Assert.NotNull(told);
        Assert.Contains(sentence, told.Next, StringComparison.Ordinal);
        Assert.InRange(told.After, TimeSpan.Zero, Promise.Limit);
    }

    [Fact]
    public void A_hang_after_a_value_shows_when_that_came_and_what_is_next()
    {
        var told = run.Meanwhile["late-hang"][^1];

        Assert.Equal(("TrialRunning", true), (told.Reason, told.HasReported));
        Assert.Equal("It runs; accuracy=0.4 so far; it is stopped after 55s.", told.Next);
    }

    [Fact]
    public void Nothing_is_lost_and_nothing_is_left()
    {
        Assert.Equal(FaultyWorkers.Count, run.Ends.Count);
        Assert.Equal("0.9", (string)run.Experiment["status"]!["currentOptimalTrial"]!["observation"]!["metrics"]![0]!["latest"]!);
        Assert.Empty(run.ProcessesLeft);
    }

    [Fact]
    public void Huge_logs_and_endless_lines_do_not_fill_the_memory() => Assert.InRange(run.PeakMemory, 10, 400);

    [Fact]
    public async Task One_trial_is_shown_with_the_last_twenty_lines()
    {
        var status = (await run.KatibAsync("status", "faults", run.Ends["exit-code"].Trial)).Expect(0).Output;
        var unknown = (await run.KatibAsync("status", "faults", "faults-0099")).Expect(2).Error;

        Assert.Contains("Failed (TrialFailed)", status, StringComparison.Ordinal);
        Assert.Contains("parameters: fault=exit-code", status, StringComparison.Ordinal);
        Assert.Contains("attempt 1 failed at ", status, StringComparison.Ordinal);
        Assert.Contains("exit code 3", status, StringComparison.Ordinal);
        Assert.Contains("line 11\n", status, StringComparison.Ordinal);
        Assert.DoesNotContain("line 10\n", status, StringComparison.Ordinal);
        Assert.Contains("'faults' has no trial 'faults-0099'", unknown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_file_is_named_beside_those_that_are_there()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0)
            .Replace(
                "  parameters:",
                "  metricsCollectorSpec: { source: { fileSystemPath: { path: /var/log/katib/metrics.log, kind: File } }, collector: { kind: File } }\n  parameters:",
                StringComparison.Ordinal)
            .Replace("+ k }'", "+ k }' > /var/log/katib/other.log", StringComparison.Ordinal));

        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var status = (await place.KatibAsync("status", "ledger", "ledger-0001")).Expect(0).Output;

        Assert.Contains("There is no file /var/log/katib/metrics.log, but 'other.log' in its place.", status, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing command", "- sh\n", "- no-such-program\n", "no-such-program")]
    [InlineData("missing working directory", "image: busybox:1.36", "workingDir: nowhere\n                image: busybox:1.36", "nowhere")]
    public async Task What_cannot_be_started_is_refused_at_once(string fault, string right, string wrong, string named)
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0)
            .ReplaceLineEndings("\n")
            .Replace(right, wrong, StringComparison.Ordinal));

        var said = (await place.KatibAsync("run", "ledger.yaml")).Expect(2);

        Assert.Contains(named, said.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(place.PathOf("ledger.txt")), fault);
    }

    [Fact]
    public async Task A_trial_that_waits_for_a_device_says_so()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0)
            .Replace("sleep 0", "until [ -e go ]; do sleep 0.1; done", StringComparison.Ordinal));
        using var katib = place.Start("katib.dll", "run", "ledger.yaml", "--gpus", "0");
        await Workplace.UntilAsync("the first trial has begun", () => katib.HasExited || File.Exists(place.PathOf("ledger.txt")));
        _ = (await place.KatibAsync("set", "ledger", "--parallel", "2")).Expect(0);

        await Workplace.UntilAsync("the second trial waits", async () =>
        {
            var status = await place.KatibAsync("status", "ledger", "ledger-0002");
            Assert.False(katib.HasExited, status.Output);
            return status.Output.Contains("WaitingForGpu", StringComparison.Ordinal)
                && status.Output.Contains("It waits for a device: 0 is taken.", StringComparison.Ordinal);
        });

        place.Write("go", "");
        _ = (await Workplace.EndAsync(katib)).Expect(0);
        var both = (await place.KatibAsync("status", "ledger")).Expect(0);
        Assert.Contains("2 of 2 trials ended", both.Output, StringComparison.Ordinal);
    }
}
