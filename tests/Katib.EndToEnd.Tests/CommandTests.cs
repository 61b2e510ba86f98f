using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests;

/// <summary>The commands as a user meets them.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task What_another_experiment_has_found_is_known_from_the_start_and_not_tried_again()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 12, parallel: 3, seconds: 0));
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var table = (await place.KatibAsync("export", "ledger")).Expect(0).Output;
        place.Write("results.csv", table + string.Join(',', table.Split("\r\n")[1].Split(',')).Replace("ledger-0001", "other", StringComparison.Ordinal) + "\r\n");
        place.Write("second.yaml", Manifests.Ledger("grid", trials: 30, parallel: 3, seconds: 0).Replace("name: ledger", "name: second", StringComparison.Ordinal));

        var run = (await place.KatibAsync("run", "second.yaml", "--warm-start", "results.csv")).Expect(0);
        var missing = (await place.KatibAsync("run", "second.yaml", "--warm-start", "none.csv")).Expect(2);
        place.Write("other.csv", "x,k\n1,2\n");
        var wrong = (await place.KatibAsync("run", "second.yaml", "--warm-start", "other.csv")).Expect(2);

        Assert.Contains("results.csv: the algorithm begins with 12 of 13 rows", run.Error, StringComparison.Ordinal);
        Assert.Contains("1 repeated", run.Error, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(place.PathOf("ledger.txt"), TestContext.Current.CancellationToken);
        string[] tried = [.. lines.Where(static l => l.StartsWith("begin", StringComparison.Ordinal))];
        Assert.Equal(30, tried.Length);
        Assert.Equal(30, tried.Distinct().Count());
        Assert.Contains("no such file", missing.Error, StringComparison.Ordinal);
        Assert.Contains("has no column 'loss', nor 'metrics.loss.min'", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_can_be_looked_at_exported_and_deleted()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("grid", trials: 30, parallel: 3, seconds: 0));

        var run = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var status = (await place.KatibAsync("status", "ledger")).Expect(0);
        var list = (await place.KatibAsync("status")).Expect(0);
        var json = (await place.KatibAsync("best", "ledger")).Expect(0);
        var env = (await place.KatibAsync("best", "ledger", "-o", "env")).Expect(0);
        var yaml = (await place.KatibAsync("best", "ledger", "-o", "yaml")).Expect(0);
        var csv = (await place.KatibAsync("export", "ledger", "--csv")).Expect(0);
        var lines = (await place.KatibAsync("export", "ledger", "--jsonl")).Expect(0);
        var logs = (await place.KatibAsync("logs", "ledger-0001")).Expect(0);
        _ = (await place.KatibAsync("delete", "ledger")).Expect(0);
        var gone = (await place.KatibAsync("status", "ledger")).Expect(2);

        Assert.Contains("best: loss=0.1 (ledger-0010) with x=3 k=0.10", run.Output, StringComparison.Ordinal);
        Assert.Contains("30 of 30 trials ended", status.Output, StringComparison.Ordinal);
        Assert.Contains("ExperimentMaxTrialsReached", list.Output, StringComparison.Ordinal);
        Assert.Equal("0.10", (string?)JsonNode.Parse(json.Output)!["parameters"]!["k"]);
        Assert.Equal("X='3'\nK='0.10'\n", env.Output);
        Assert.Equal("x: \"3\"\nk: \"0.10\"\n", yaml.Output.ReplaceLineEndings("\n"));
        Assert.Equal(31, csv.Output.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.StartsWith("trial,status,reason,message,created,started,ended,params.x,params.k,metrics.loss.min", csv.Output, StringComparison.Ordinal);
        Assert.Equal(30, lines.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonNode.Parse(l)).Count());
        Assert.Contains("loss=9.1", logs.Output, StringComparison.Ordinal);
        Assert.Contains("There is no experiment 'ledger'", gone.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_can_be_tried_before_anything_runs()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        const string log = "to minimize loss\n2021-12-02T05:27:27Z \e[1mloss\e[0m: 0.5\rloss=0.25\nloss: tensor(3)\nlr: 0.1\n";

        var found = (await place.KatibReadingAsync(log, "metrics", "test", "ledger.yaml")).Expect(0);
        var missed = (await place.KatibReadingAsync("Acuracy=1\n", "metrics", "test", "--metric", "accuracy")).Expect(1);
        var filtered = (await place.KatibReadingAsync("acc is 7\n", "metrics", "test", "--metric", "acc", "--filter", @"(\w+) is (\d+)")).Expect(0);
        var refused = (await place.KatibReadingAsync("", "metrics", "test", "--metric", "acc", "--filter", @"acc=\d+")).Expect(2);
        var nothing = (await place.KatibReadingAsync("", "metrics", "test")).Expect(2);

        Assert.Equal(
            """
            line 2: loss = 0.5 at 2021-12-02T05:27:27.0000000Z
            line 3: loss = 0.25
            line 1: The metric 'loss' is named in 'to minimize loss', without '=' or ':' and a number behind it.
            line 4: The metric 'loss' has no value in 'loss: tensor(3)'.
            Other names with values: lr.

            loss: 2 found, min 0.25, max 0.5, latest 0.5

            """,
            found.Output.ReplaceLineEndings("\n"));
        Assert.Contains("accuracy: not found. Did you mean 'Acuracy'?", missed.Output, StringComparison.Ordinal);
        Assert.StartsWith("line 1: acc = 7", filtered.Output, StringComparison.Ordinal);
        Assert.StartsWith("--filter 'acc=\\d+' is no filter. A filter needs two groups", refused.Error, StringComparison.Ordinal);
        Assert.Contains("Name the Experiment's file, or the metrics by --metric NAME.", nothing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_in_event_files_are_found_and_can_be_tried()
    {
        // One record as PyTorch writes it: loss=0.25 at step 7.
        const string record = "1a00000000000000129bd82d09000050534267d84110072a0d0a0b0a046c6f7373150000803e94c63f9d";
        using var place = new Workplace();
        _ = Directory.CreateDirectory(place.PathOf("runs"));
        await File.WriteAllBytesAsync(place.PathOf("runs/tfevents.1"), Convert.FromHexString(record), TestContext.Current.CancellationToken);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 1, seconds: 0)
            .Replace("  parameters:", "  metricsCollectorSpec: { collector: { kind: TensorFlowEvent } }\n  parameters:", StringComparison.Ordinal)
            .Replace("awk -v", "cp -R runs /var/log/katib/tfevent/; awk -v", StringComparison.Ordinal));

        var tried = (await place.KatibAsync("metrics", "test", "ledger.yaml", "--events", "runs")).Expect(0);
        var missed = (await place.KatibAsync("metrics", "test", "--metric", "los", "--events", "runs")).Expect(1);
        var unsaid = (await place.KatibAsync("metrics", "test", "ledger.yaml")).Expect(2);
        var misplaced = (await place.KatibAsync("metrics", "test", "ledger.yaml", "--events", "nowhere")).Expect(2);
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var best = (await place.KatibAsync("best", "ledger")).Expect(0);

        Assert.Equal(
            """
            tfevents.1: step 7: loss = 0.25 at 2021-11-23T15:31:25.2500000Z

            loss: 1 found, min 0.25, max 0.25, latest 0.25

            """,
            tried.Output.ReplaceLineEndings("\n"));
        Assert.Contains("los: not found. Found 'loss', expected 'los'.", missed.Output, StringComparison.Ordinal);
        Assert.Contains("name the folder that has them with --events", unsaid.Error, StringComparison.Ordinal);
        Assert.Contains("There is no folder 'nowhere'", misplaced.Error, StringComparison.Ordinal);
        Assert.Contains("0.25", best.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_that_trials_serve_are_asked_for_and_can_be_tried()
    {
        const string metric = "loss{split=\"val\"}";
        const string page = "# TYPE loss gauge\nloss{split=\"train\"} 9\nloss{split=\"val\"} 0.5\n";
        using var place = new Workplace();
        place.Write("serve.py", """
            import http.server, os, sys, threading
            seen = threading.Event()
            class Page(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200 if self.path == "/metrics" else 404)
                    self.end_headers()
                    self.wfile.write(f'loss{{split="train"}} -1\nloss{{split="val"}} {sys.argv[1]}\n'.encode())
                    seen.set()
            server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["KATIB_METRICS_PORT"])), Page)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            sys.exit(0 if seen.wait(60) else 1)
            """);
        place.Write("ledger.yaml", Manifests.Ledger("grid", trials: 4, parallel: 2, seconds: 0)
            .Replace("objectiveMetricName: loss", $"objectiveMetricName: '{metric}'", StringComparison.Ordinal)
            .Replace("  parameters:", "  metricsCollectorSpec: { collector: { kind: PrometheusMetric } }\n  parameters:", StringComparison.Ordinal)
            .Replace("awk -v", "python3 serve.py \"$X\"; : awk -v", StringComparison.Ordinal));

        var tried = (await place.KatibReadingAsync(page, "metrics", "test", "ledger.yaml")).Expect(0);
        var missed = (await place.KatibReadingAsync(page, "metrics", "test", "--metric", "loss", "--format", "PROMETHEUS")).Expect(1);

        Assert.Equal($"{metric} = 0.5\n\n{metric}: 1 found, min 0.5, max 0.5, latest 0.5\n", tried.Output.ReplaceLineEndings("\n"));
        Assert.Contains("loss: not found. Several series are 'loss': 'loss{split=\"train\"}', 'loss{split=\"val\"}'", missed.Output, StringComparison.Ordinal);
        Assert.SkipUnless(await HasPythonAsync(), "There is no python3 to serve a page.");
        var run = (await place.KatibAsync("run", "ledger.yaml", "-o", "json")).Expect(0);

        var status = JsonNode.Parse(run.Output)!["status"]!;
        Assert.Equal(4, (int)status["trialsSucceeded"]!);
        Assert.Equal("0", (string?)status["currentOptimalTrial"]!["observation"]!["metrics"]![0]!["latest"]);
    }

    [Fact]
    public async Task Time_is_limited_and_failures_are_tried_again_as_asked()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0, resumePolicy: "LongRunning")
            .Replace("echo \"end", "mkdir again.$KATIB_TRIAL_NAME && exit 9; sleep 600; echo \"end", StringComparison.Ordinal));

        var run = (await place.KatibAsync("run", "ledger.yaml", "--retry", "user=1", "--trial-timeout", "2s keep")).Expect(0);
        var status = (await place.KatibAsync("status", "ledger")).Expect(0);
        var wrong = (await place.KatibAsync("run", "ledger.yaml", "--trial-timeout", "2")).Expect(2);
        var late = (await place.KatibAsync("run", "ledger.yaml", "--fresh", "--retry", "user=1", "--max-duration", "3s")).Expect(0);
        var longer = (await place.KatibAsync("run", "ledger.yaml", "--retry", "user=1", "--max-duration", "8s", "--max-trials", "4")).Expect(0);

        Assert.Contains("Retry 1 of 1 follows. The trial's program failed with exit code 9.", run.Output + run.Error, StringComparison.Ordinal);
        Assert.Contains("It counts with loss=", run.Output + run.Error, StringComparison.Ordinal);
        Assert.Contains("TrialTimedOut", status.Output, StringComparison.Ordinal);
        Assert.Contains("is no span of time", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("max duration has reached", late.Output + late.Error, StringComparison.Ordinal);
        Assert.Contains("max duration has reached", longer.Output + longer.Error, StringComparison.Ordinal);
        Assert.Contains("4 trials", longer.Output + longer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_that_prints_another_metric_says_which()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 1, seconds: 0)
            .Replace("\"loss=\"", "\"los=\"", StringComparison.Ordinal));

        _ = await place.KatibAsync("run", "ledger.yaml");
        var status = (await place.KatibAsync("status", "ledger")).Expect(0);

        // The table breaks long lines where it has to.
        Assert.Contains(
            "'loss' was never reported. Found 'los', expected 'loss'.",
            string.Join(' ', status.Output.Split((char[])[' ', '\n', '│'], StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_output_is_Katibs_Experiment_with_its_trials()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));

        var run = (await place.KatibAsync("run", "ledger.yaml", "-o", "json")).Expect(0);

        var experiment = JsonNode.Parse(run.Output)!;
        Assert.Equal("kubeflow.org/v1beta1", (string?)experiment["apiVersion"]);
        Assert.Equal("Experiment", (string?)experiment["kind"]);
        Assert.Equal(4, (int?)experiment["status"]!["trialsSucceeded"]);
        Assert.Equal("ExperimentMaxTrialsReached", (string?)experiment["status"]!["conditions"]!.AsArray()[^1]!["reason"]);
        Assert.Equal(4, experiment["trials"]!.AsArray().Count);
        Assert.All(experiment["trials"]!.AsArray(), static t => Assert.Equal("Trial", (string?)t!["kind"]));
        Assert.All(
            experiment["trials"]!.AsArray(),
            static t => Assert.Equal("Succeeded", (string?)t!["status"]!["conditions"]!.AsArray()[^1]!["type"]));
    }

    [Fact]
    public async Task A_finished_experiment_prints_its_result_again_and_runs_nothing()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        var first = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        var ledger = await File.ReadAllTextAsync(place.PathOf("ledger.txt"), TestContext.Current.CancellationToken);

        var second = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);

        Assert.Equal(first.Output.TrimEnd().Split('\n')[^1], second.Output.TrimEnd().Split('\n')[^1]);
        Assert.Equal(ledger, await File.ReadAllTextAsync(place.PathOf("ledger.txt"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Another_content_under_the_same_name_is_refused_with_the_difference_and_fresh_starts_anew()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        place.Write("ledger.yaml", Manifests.Ledger("grid", trials: 4, parallel: 2, seconds: 0));

        var refused = (await place.KatibAsync("run", "ledger.yaml")).Expect(2);
        var fresh = (await place.KatibAsync("run", "ledger.yaml", "--fresh")).Expect(0);

        Assert.Contains("spec.algorithm.algorithmName: \"random\" -> \"grid\"", refused.Error, StringComparison.Ordinal);
        Assert.Contains("4 trials", fresh.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_raised_budget_goes_on_under_LongRunning_and_is_refused_under_Never()
    {
        using var place = new Workplace();
        place.Write("never.yaml", Manifests.Ledger("random", trials: 3, parallel: 2, seconds: 0));
        place.Write("long.yaml", Manifests.Ledger("random", trials: 3, parallel: 2, seconds: 0, resumePolicy: "LongRunning"));
        _ = (await place.KatibAsync("run", "never.yaml", "--store", "never.db")).Expect(0);
        _ = (await place.KatibAsync("run", "long.yaml", "--store", "long.db")).Expect(0);

        var never = (await place.KatibAsync("run", "never.yaml", "--store", "never.db", "--max-trials", "5")).Expect(2);
        var longer = (await place.KatibAsync("run", "long.yaml", "--store", "long.db", "--max-trials", "5", "-o", "json")).Expect(0);

        Assert.Contains("resumePolicy", never.Error, StringComparison.Ordinal);
        var status = JsonNode.Parse(longer.Output)!["status"]!;
        Assert.Equal(5, (int?)status["trialsSucceeded"]);
        Assert.Contains(status["conditions"]!.AsArray(), static c => (string?)c!["type"] is "Restarting");
    }

    [Fact]
    public async Task Folders_that_the_store_does_not_know_are_never_taken_for_results()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);
        File.Delete(place.PathOf(Path.Combine(".katib", "katib.db")));
        File.Delete(place.PathOf("ledger.txt"));

        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);

        var ledger = await File.ReadAllLinesAsync(place.PathOf("ledger.txt"), TestContext.Current.CancellationToken);
        Assert.Equal(4, ledger.Count(static l => l.StartsWith("end", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Fresh_keeps_the_old_results_when_the_algorithm_refuses_the_new_run()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 3, parallel: 2, seconds: 0));
        _ = (await place.KatibAsync("run", "ledger.yaml")).Expect(0);

        var refused = await place.KatibAsync("run", "ledger.yaml", "--fresh", "--endpoint", "random=http://127.0.0.1:1", "--max-trials", "9");
        var status = (await place.KatibAsync("status", "ledger")).Expect(0);

        Assert.Contains("does not answer", refused.Expect(1).Error, StringComparison.Ordinal);
        Assert.Contains("3 of 3 trials ended", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_grid_ends_when_every_combination_has_been_tried()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("grid", trials: 30, parallel: 7, seconds: 0)
            .Replace("  maxTrialCount: 30\n", "", StringComparison.Ordinal));

        var run = (await place.KatibAsync("run", "ledger.yaml", "-o", "json")).Expect(0);

        var status = JsonNode.Parse(run.Output)!["status"]!;
        Assert.Equal(30, (int?)status["trialsSucceeded"]);
        Assert.Equal(30, (int?)status["trials"]);
        Assert.Equal("ExperimentSuggestionEndReached", (string?)status["conditions"]!.AsArray()[^1]!["reason"]);
    }

    [Fact]
    public async Task Failed_trials_end_the_experiment_with_exit_code_1_and_their_reasons()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 9, parallel: 2, seconds: 0)
            .Replace("  maxTrialCount: 9\n", "  maxTrialCount: 9\n  maxFailedTrialCount: 2\n", StringComparison.Ordinal)
            .Replace("sleep 0", "echo no such data >&2; exit 3", StringComparison.Ordinal));

        var run = (await place.KatibAsync("run", "ledger.yaml")).Expect(1);
        var status = (await place.KatibAsync("status", "ledger", "-o", "json")).Expect(0);

        Assert.Contains("max failed count", run.Output, StringComparison.Ordinal);
        var failed = JsonNode.Parse(status.Output)!["trials"]!.AsArray()
            .Select(static t => t!["status"]!["conditions"]!.AsArray()[^1]!)
            .First(static c => (string?)c["type"] is "Failed");
        Assert.Contains("exit code 3", (string?)failed["message"], StringComparison.Ordinal);
        Assert.Contains("no such data", (string?)failed["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_lists_every_mistake_with_line_path_value_and_remedy()
    {
        using var place = new Workplace();
        place.Write("broken.yaml", Manifests.Ledger("radom", trials: 3, parallel: 4, seconds: 0)
            .Replace("min: \"0\", max: \"9\"", "min: \"10\", max: \"9\"", StringComparison.Ordinal)
            .Replace("reference: k", "reference: kk", StringComparison.Ordinal));
        place.Write("algorithm.yaml", Manifests.Ledger("grdi", trials: 3, parallel: 3, seconds: 0));

        var broken = (await place.KatibAsync("validate", "broken.yaml")).Expect(2);
        var algorithm = (await place.KatibAsync("validate", "algorithm.yaml")).Expect(2);
        var run = (await place.KatibAsync("run", "broken.yaml")).Expect(2);

        Assert.Contains("spec.parallelTrialCount", broken.Output, StringComparison.Ordinal);
        Assert.Contains("spec.parameters[0].feasibleSpace.min '10'", broken.Output, StringComparison.Ordinal);
        Assert.Contains("swap the two", broken.Output, StringComparison.Ordinal);
        Assert.Contains("spec.trialTemplate.trialParameters[1].reference 'kk'", broken.Output, StringComparison.Ordinal);
        Assert.Contains("did you mean 'grid'", algorithm.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(place.PathOf(".katib")));
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task The_algorithm_may_be_served_elsewhere()
    {
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 4, parallel: 2, seconds: 0));
        var port = Workplace.FreePort();
        using var service = place.Start("Katib.Suggestion.Random.dll", "--port", $"{port}");

        var run = await place.KatibAsync("run", "ledger.yaml", "--endpoint", $"random=http://127.0.0.1:{port}");
        await Workplace.SignalAsync(service, "TERM");
        var stopped = await Workplace.EndAsync(service);

        Assert.Contains("4 trials", run.Expect(0).Output, StringComparison.Ordinal);
        Assert.Equal(0, stopped.ExitCode);
    }

    [Fact]
    public async Task Help_names_the_commands_and_wrong_arguments_are_explained()
    {
        using var place = new Workplace();

        var help = (await place.KatibAsync("--help")).Expect(0);
        var wrong = (await place.KatibAsync("run", "nothing.yaml", "--parallel", "0")).Expect(2);
        var missing = (await place.KatibAsync("run", "nothing.yaml")).Expect(2);

        Assert.Contains("validate", help.Output, StringComparison.Ordinal);
        Assert.Contains("--parallel must be at least 1", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("There is no file 'nothing.yaml'", missing.Error, StringComparison.Ordinal);
    }

    private static async Task<bool> HasPythonAsync()
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", ["--version"]) { RedirectStandardOutput = true })!;
            await python.WaitForExitAsync(TestContext.Current.CancellationToken);
            return python.ExitCode is 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
