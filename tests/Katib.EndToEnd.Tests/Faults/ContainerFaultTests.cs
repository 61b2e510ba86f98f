using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Katib.Coordinator.Tests.Runners;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>What goes wrong with containers; they want a Docker with the image.</summary>
public sealed class ContainerFaultTests
{
    private const string Image = "busybox:latest";
    private const string Socket = "/var/run/docker.sock";

    [Theory]
    [InlineData("tail /dev/zero", "OOMKilled", "needed more memory than its limit of 16Mi; raise resources.limits.memory")]
    [InlineData("echo epoch 1; exit 137", "TrialFailed", "was ended by signal SIGKILL (9). Its last words:\nepoch 1")]
    public async Task Killed_for_its_memory_or_otherwise_a_trial_says_which(string program, string reason, string sentence)
    {
        await DockerHere.SkipWithoutAsync(Image);
        using var place = new Workplace();
        place.Write("ledger.yaml", Killed(program, $"fault-{reason.ToLowerInvariant()}"));

        _ = (await place.KatibAsync("run", "ledger.yaml", "--runner", "docker")).Expect(0);
        var ended = Trial(await place.KatibAsync("status", $"fault-{reason.ToLowerInvariant()}", "-o", "json"))["status"]!["conditions"]!.AsArray()[^1]!;

        Assert.Equal(("Failed", reason), ((string)ended["type"]!, (string)ended["reason"]!));
        Assert.Contains(sentence, (string)ended["message"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_does_not_come_is_named_while_it_is_waited_for_and_when_it_fails()
    {
        await DockerHere.SkipWithoutAsync(Image);
        using var place = new Workplace();
        using var registry = new TcpListener(IPAddress.Loopback, 0);
        registry.Start();
        var image = $"{registry.LocalEndpoint}/none:1";

        // A parameter of the image's name: it is asked for when the trial is there.
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 1, parallel: 1, seconds: 0)
            .Replace("name: ledger\nspec", "name: fault-image\nspec", StringComparison.Ordinal)
            .Replace("image: busybox:1.36", $"image: \"{registry.LocalEndpoint}/none${{trialParameters.x}}:1\"", StringComparison.Ordinal));
        using var katib = place.Start("katib.dll", "run", "ledger.yaml", "--runner", "docker");
        await Promise.KeptAsync("the image is waited for", async () =>
            (await place.KatibAsync("status", "fault-image", "-o", "json")).Output.Contains("is being pulled", StringComparison.Ordinal));
        var waiting = Trial(await place.KatibAsync("status", "fault-image", "-o", "json"))["outlook"]!;

        registry.Stop();
        _ = await Workplace.EndAsync(katib);
        var ended = (await place.KatibAsync("status", "fault-image", "fault-image-0001")).Expect(0).Output;

        Assert.Equal("PullingImage", (string)waiting["reason"]!);
        Assert.Contains(image[..image.IndexOf('/', StringComparison.Ordinal)], (string)waiting["next"]!, StringComparison.Ordinal);
        Assert.Contains("NotStarted", ended, StringComparison.Ordinal);
        Assert.Contains("cannot be pulled", ended, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_is_not_there_is_refused_at_once()
    {
        await DockerHere.SkipWithoutAsync(Image);
        using var place = new Workplace();
        place.Write("ledger.yaml", Manifests.LedgerInContainers("random", trials: 1, parallel: 1, seconds: 0, place.Folder)
            .Replace(Image, "no-such-image:1", StringComparison.Ordinal));

        var said = (await place.KatibAsync("run", "ledger.yaml", "--runner", "docker")).Expect(2);

        Assert.Contains("The image 'no-such-image:1' is not on this Docker", said.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_that_goes_away_is_named_and_waited_for()
    {
        await DockerHere.SkipWithoutAsync(Image);
        Assert.SkipUnless(File.Exists(Socket), $"Docker does not listen at {Socket}.");
        using var place = new Workplace();
        await using var cable = new CutCable(Socket);
        place.Environment["DOCKER_HOST"] = $"{cable.Address}";
        place.Write("ledger.yaml", Manifests.LedgerInContainers("random", trials: 2, parallel: 2, seconds: 4, place.Folder)
            .Replace("name: ledger\nspec", "name: fault-daemon\nspec", StringComparison.Ordinal));
        using var katib = place.Start("katib.dll", "run", "ledger.yaml", "--runner", "docker");
        await Workplace.UntilAsync("the trials have begun", () => katib.HasExited || File.Exists(place.PathOf("ledger.txt")));

        cable.Cut();
        await Promise.KeptAsync("the daemon is missed", async () =>
            (await place.KatibAsync("status", "fault-daemon", "-o", "json")).Output.Contains("\"note\":\"Docker does not answer since", StringComparison.Ordinal));
        cable.Mend();

        _ = (await Workplace.EndAsync(katib)).Expect(0);
        var status = (await place.KatibAsync("status", "fault-daemon", "-o", "json")).Expect(0).Output;
        Assert.Equal(2, (int)JsonNode.Parse(status)!["status"]!["trialsSucceeded"]!);
        Assert.Empty(await DockerHere.LeftOfAsync("fault-daemon"));
    }

    private static JsonNode Trial(Said status) => JsonNode.Parse(status.Expect(0).Output)!["trials"]![0]!;

    private static string Killed(string program, string name) => $$$"""
        apiVersion: kubeflow.org/v1beta1
        kind: Experiment
        metadata: { name: {{{name}}} }
        spec:
          objective: { type: minimize, objectiveMetricName: loss }
          algorithm: { algorithmName: random }
          parallelTrialCount: 1
          maxTrialCount: 1
          parameters: [{ name: x, parameterType: int, feasibleSpace: { min: "0", max: "9" } }]
          trialTemplate:
            primaryContainerName: main
            trialParameters: [{ name: x, reference: x }]
            trialSpec:
              apiVersion: batch/v1
              kind: Job
              spec:
                template:
                  spec:
                    containers:
                      - name: main
                        image: {{{Image}}}
                        imagePullPolicy: Never
                        command: [sh, -c, "{{{program}}}"]
                        env: [{ name: X, value: "${trialParameters.x}" }]
                        resources: { limits: { memory: 16Mi } }
                    restartPolicy: Never
        """;
}
