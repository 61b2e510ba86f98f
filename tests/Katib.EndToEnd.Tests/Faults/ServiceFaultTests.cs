using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Api.V1.Beta1;

namespace Katib.EndToEnd.Tests.Faults;

/// <summary>Algorithm services that are away, slow or wrong; <c>katib status</c> in another process names it.</summary>
public sealed class ServiceFaultTests
{
    private static readonly byte[] Garbage = [0xff, 0xff, 0xff, 0xff];

    [Fact]
    public async Task Whatever_the_service_does_is_named_within_a_minute_and_the_experiment_goes_on()
    {
        using var place = new Workplace();
        await using var service = new LyingService();
        service.Answer = service.Honest;
        await service.StartAsync();
        place.Write("ledger.yaml", Waiting(trials: 8));
        using var katib = place.Start("katib.dll", "run", "ledger.yaml", "--endpoint", $"random={service.Address}");
        await BegunAsync(place, katib, 2);
        var trial = 2;

        // The first trial runs all the time, so that the experiment has something to wait for.
        await NamedAsync(place, service, ++trial, "answered with 0 assignments where 1 were asked for", static _ => Task.FromResult(Array.Empty<byte>()));
        await NamedAsync(place, service, ++trial, "answered with x=99, which is not in the parameter's feasibleSpace", static r => Task.FromResult(LyingService.Reply(r.CurrentRequestNumber, static () => "99")));
        await NamedAsync(place, service, ++trial, "answered with what is no reply of such a service", static _ => Task.FromResult(Garbage));
        await NamedAsync(place, service, ++trial, "was asked for points at", static async _ =>
        {
            await Task.Delay(TimeSpan.FromSeconds(20));
            return Garbage;
        });

        Release(place, trial);
        await service.StopAsync();
        await SaidAsync(place, "does not answer");
        await service.StartAsync();
        await BegunAsync(place, katib, ++trial);
        Release(place, trial);
        await BegunAsync(place, katib, ++trial);
        await Workplace.UntilAsync("status says that all is well", async () => (await StatusAsync(place))["note"] is null);
        Release(place, 1);
        Release(place, trial);
        _ = (await Workplace.EndAsync(katib)).Expect(0);

        Assert.Equal(8, (int)(await StatusAsync(place))["status"]!["trialsSucceeded"]!);
    }

    [Fact]
    public async Task A_point_that_was_run_already_ends_the_search_and_keeps_the_results()
    {
        using var place = new Workplace();
        await using var service = new LyingService { Answer = static r => Task.FromResult(LyingService.Reply(r.CurrentRequestNumber, static () => "4")) };
        await service.StartAsync();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 5, parallel: 1, seconds: 0));

        _ = (await place.KatibAsync("run", "ledger.yaml", "--endpoint", $"random={service.Address}")).Expect(0);
        var status = await StatusAsync(place);

        Assert.Equal("ExperimentSuggestionEndReached", (string)status["status"]!["conditions"]!.AsArray()[^1]!["reason"]!);
        Assert.Equal(1, (int)status["status"]!["trialsSucceeded"]!);
    }

    [Fact]
    public async Task An_unknown_parameter_ends_the_experiment_in_words()
    {
        using var place = new Workplace();
        await using var service = new LyingService { Answer = static r => Task.FromResult(LyingService.Reply(r.CurrentRequestNumber, static () => "4", name: "y")) };
        await service.StartAsync();
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 5, parallel: 1, seconds: 0));

        _ = (await place.KatibAsync("run", "ledger.yaml", "--endpoint", $"random={service.Address}")).Expect(1);
        var status = await StatusAsync(place);

        Assert.Contains(
            "answered with the parameters y, k where k, x were asked for; is it the service of 'random'?",
            (string)status["status"]!["conditions"]!.AsArray()[^1]!["message"]!,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_away_when_the_coordinator_begins_is_named_and_waited_for()
    {
        using var place = new Workplace();
        _ = Directory.CreateDirectory(place.PathOf("experiments"));
        place.Write("experiments/ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0));
        var port = Workplace.FreePort();
        var address = $"http://127.0.0.1:{Workplace.FreePort()}";
        using var coordinator = place.Start(
            "Katib.Coordinator.dll",
            "--Coordinator:Experiments=experiments",
            $"--Coordinator:Listen={address}",
            "--Coordinator:TokenFile=token",
            "--Coordinator:Store=katib.db",
            $"--Coordinator:Endpoints:random=http://127.0.0.1:{port}");
        string[] server = ["--server", address, "--token-file", place.PathOf("token")];

        await Promise.KeptAsync("the service is missed", async () =>
            File.Exists(place.PathOf("token"))
            && (await place.KatibAsync(["status", "ledger", "-o", "json", .. server])).Output.Contains(
                $"The algorithm service at http://127.0.0.1:{port}/ does not answer", StringComparison.Ordinal));
        using var service = place.Start("Katib.Suggestion.Random.dll", "--port", $"{port}");
        await Workplace.UntilAsync("the experiment has ended", async () =>
            (await place.KatibAsync(["status", "ledger", .. server])).Output.Contains("2 of 2 trials ended", StringComparison.Ordinal));

        await Workplace.SignalAsync(coordinator, "TERM");
        await Workplace.SignalAsync(service, "TERM");
        _ = (await Workplace.EndAsync(coordinator)).Expect(0);
        _ = (await Workplace.EndAsync(service)).Expect(0);
    }

    /// <summary>Lets the service answer so when the last trial has ended, until status names it; then honestly again.</summary>
    private static async Task NamedAsync(
        Workplace place, LyingService service, int trial, string sentence, Func<GetSuggestionsRequest, Task<byte[]>> answer)
    {
        service.Answer = answer;
        Release(place, trial - 1);
        await SaidAsync(place, sentence);
        service.Answer = service.Honest;
        await BegunAsync(place, katib: null, trial);
    }

    private static Task SaidAsync(Workplace place, string sentence) => Promise.KeptAsync(
        $"status says '{sentence}'",
        async () => ((string?)(await StatusAsync(place))["note"])?.Contains(sentence, StringComparison.Ordinal) is true);

    private static async Task<JsonNode> StatusAsync(Workplace place) =>
        JsonNode.Parse((await place.KatibAsync("status", "ledger", "-o", "json")).Expect(0).Output)!;

    private static void Release(Workplace place, int trial) => place.Write(Name(trial), "");

    private static string Name(int trial) => string.Create(CultureInfo.InvariantCulture, $"go-ledger-{trial:0000}");

    private static Task BegunAsync(Workplace place, Process? katib, int count) => Workplace.UntilAsync(
        $"{count} trials have begun",
        () => katib is { HasExited: true }
            || (File.Exists(place.PathOf("ledger.txt"))
                && File.ReadAllLines(place.PathOf("ledger.txt")).Count(static l => l.StartsWith("begin", StringComparison.Ordinal)) >= count));

    /// <summary>A trial waits until it is let go by its name.</summary>
    private static string Waiting(int trials) => Manifests.Ledger("random", trials, parallel: 2, seconds: 0)
        .Replace("sleep 0", "until [ -e go-$KATIB_TRIAL_NAME ]; do sleep 0.1; done", StringComparison.Ordinal);
}
