using System.Globalization;
using System.Text.Json.Nodes;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>One run of an experiment in which every trial goes wrong in a way of its own, looked at from elsewhere.</summary>
/// <remarks>All of them at once: most of the time they do nothing, which is what is wrong with them.</remarks>
public sealed class FaultyWorkers : IAsyncLifetime
{
    public const string Timeout = "55s";

    private static readonly string[] Faults =
    [
        "wrong-name", "wrong-case", "nan", "no-number", "exit-code", "no-command", "killed", "buffered", "buffered-killed",
        "silent-hang", "late-hang", "deaf-hang", "huge-log", "endless-line", "binary-log", "grandchild", "zombie", "no-folder",
        "file-limit",
    ];

    private readonly Workplace _place = new();

    /// <summary>What was said of a trial before it was over, and how long its program had run when that was asked for.</summary>
    internal sealed record Told(string Reason, string Next, bool HasReported, TimeSpan After);

    internal Dictionary<string, List<Told>> Meanwhile { get; } = Faults.ToDictionary(static f => f, static _ => new List<Told>());

    internal Dictionary<string, (string Trial, string Status, string Reason, string Message)> Ends { get; } = [];

    internal JsonNode Experiment { get; private set; } = new JsonObject();

    /// <summary>The most memory that katib had, in MiB.</summary>
    internal double PeakMemory { get; private set; }

    internal IReadOnlyList<string> ProcessesLeft { get; private set; } = [];

    internal static int Count => Faults.Length;

    internal Task<Said> KatibAsync(params string[] arguments) => _place.KatibAsync(arguments);

    public async ValueTask InitializeAsync()
    {
        _place.Write("fault.sh", Script(TestSize.Of(small: 32, full: 600)));
        _place.Write("faults.yaml", Manifest);
        using var katib = _place.Start("katib.dll", "run", "faults.yaml", "--trial-timeout", Timeout, "--retry", "infra=0");
        while (!katib.HasExited)
        {
            PeakMemory = Math.Max(PeakMemory, PeakOf(katib.Id));
            var asked = TimeProvider.System.GetUtcNow();
            Look(await _place.KatibAsync("status", "faults", "-o", "json"), asked);
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        _ = (await Workplace.EndAsync(katib)).Expect(0);
        ProcessesLeft = _place.TrialProcesses();
        Experiment = JsonNode.Parse((await _place.KatibAsync("status", "faults", "-o", "json")).Expect(0).Output)!;
        foreach (var trial in Experiment["trials"]!.AsArray())
        {
            var last = trial!["status"]!["conditions"]!.AsArray()[^1]!;
            Ends.Add(FaultOf(trial), (
                (string)trial["metadata"]!["name"]!, (string)last["type"]!, (string)last["reason"]!, (string)last["message"]!));
        }
    }

    public ValueTask DisposeAsync()
    {
        _place.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The first looks may come before there is a store.</summary>
    private void Look(Said status, DateTimeOffset asked)
    {
        if (status.ExitCode is not 0)
        {
            return;
        }

        foreach (var trial in JsonNode.Parse(status.Output)!["trials"]!.AsArray())
        {
            if (trial!["outlook"] is { } outlook && trial["metadata"]!["annotations"]?["tuning.katib/started-at"] is { } started)
            {
                var after = asked - DateTimeOffset.Parse((string)started!, CultureInfo.InvariantCulture);
                Meanwhile[FaultOf(trial)].Add(new(
                    (string)outlook["reason"]!, (string)outlook["next"]!, outlook["reportedAt"] is not null, after));
            }
        }
    }

    private static string FaultOf(JsonNode trial) => (string)trial["spec"]!["parameterAssignments"]![0]!["value"]!;

    private static double PeakOf(int process)
    {
        const string Field = "VmHWM:";
        var file = $"/proc/{process}/status";
        var line = File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(static l => l.StartsWith(Field, StringComparison.Ordinal))
            : null;
        return line is null ? 0 : double.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
    }

    private static string Script(int megabytes) => $$"""
        case "$1" in
        wrong-name) echo 'acc=0.5' ;;
        wrong-case) echo 'Accuracy=0.5' ;;
        nan) echo 'accuracy=nan' ;;
        no-number) echo 'accuracy=high' ;;
        exit-code)
          i=0
          while [ $i -lt 30 ]; do i=$((i + 1)); echo "line $i"; done
          exit 3 ;;
        no-command) exec no-such-program ;;
        killed) echo 'epoch 1'; kill -9 $$ ;;
        buffered) sleep 40; echo 'accuracy=0.5' ;;
        buffered-killed) sleep 40; kill -9 $$ ;;
        silent-hang) echo 'loading'; sleep 600 ;;
        late-hang) echo 'accuracy=0.4'; sleep 600 ;;
        deaf-hang) trap '' TERM; while :; do sleep 1; done ;;
        huge-log) yes 'nothing of interest' | head -c {{megabytes}}000000; echo 'accuracy=0.9' ;;
        endless-line) head -c {{megabytes}}000000 /dev/zero | tr '\0' x ;;
        binary-log) head -c 1000000 /dev/urandom; printf '\naccuracy=0.8\n' ;;
        grandchild) setsid sleep 600 & echo 'accuracy=0.7' ;;
        zombie) sh -c 'sleep 0 & exec sleep 2'; echo 'accuracy=0.6' ;;
        no-folder) rm -rf "$KATIB_TRIAL_DIR"; sleep 2 ;;
        file-limit) ulimit -f 8; exec head -c 100000 /dev/zero >big ;;
        esac
        """;

    private static string Manifest => $$$"""
        apiVersion: kubeflow.org/v1beta1
        kind: Experiment
        metadata:
          name: faults
        spec:
          objective: { type: maximize, objectiveMetricName: accuracy }
          algorithm: { algorithmName: grid }
          parallelTrialCount: {{{Faults.Length}}}
          maxTrialCount: {{{Faults.Length}}}
          parameters:
            - name: fault
              parameterType: categorical
              feasibleSpace: { list: [{{{string.Join(", ", Faults)}}}] }
          trialTemplate:
            primaryContainerName: main
            trialParameters: [{ name: fault, reference: fault }]
            trialSpec:
              apiVersion: batch/v1
              kind: Job
              spec:
                template:
                  spec:
                    containers:
                      - { name: main, image: busybox, command: [sh, fault.sh, "${trialParameters.fault}"] }
                    restartPolicy: Never
        """;
}
