using System.Diagnostics;
using System.Globalization;
using Katib.Hosting.Tests;

namespace Katib.EndToEnd.Tests;

/// <summary><c>katib run</c> with a service that somebody else runs, badly or behind TLS.</summary>
public sealed class ServiceTests
{
    [Fact]
    public async Task A_service_that_is_killed_and_started_again_before_every_call_loses_and_repeats_nothing()
    {
        const int Trials = 8;
        using var undisturbed = new Workplace();
        using var disturbed = new Workplace();
        undisturbed.Write("ledger.yaml", Manifests.Ledger("random", Trials, parallel: 1, seconds: 0));
        disturbed.Write("ledger.yaml", Manifests.Ledger("random", Trials, parallel: 1, seconds: 0.2));
        _ = (await undisturbed.KatibAsync("run", "ledger.yaml")).Expect(0);
        var port = Workplace.FreePort().ToString(CultureInfo.InvariantCulture);

        var service = disturbed.Start("Katib.Suggestion.Random.dll", "--port", port);
        using var katib = disturbed.Start("katib.dll", "run", "ledger.yaml", "--endpoint", $"random=http://127.0.0.1:{port}");
        for (var trial = 1; trial < Trials; trial++)
        {
            await Workplace.UntilAsync($"trial {trial} has begun", () => Begun(disturbed).Length >= trial || katib.HasExited);
            await KillAsync(service);
            service = disturbed.Start("Katib.Suggestion.Random.dll", "--port", port);
        }

        _ = (await Workplace.EndAsync(katib)).Expect(0);
        await KillAsync(service);
        Assert.Equal(Trials, Begun(disturbed).Length);
        Assert.Equal(Begun(undisturbed), Begun(disturbed));
    }

    [Fact]
    public async Task A_service_behind_TLS_answers_to_those_with_a_certificate_and_is_probed()
    {
        using var place = new Workplace();
        using var authority = new Authority("authority");
        var service = authority.Issue("service");
        var caller = authority.Issue("caller");
        place.Write("ca.crt", authority.Pem);
        place.Write("service.crt", service.Certificate);
        place.Write("service.key", service.Key);
        place.Write("caller.crt", caller.Certificate);
        place.Write("caller.key", caller.Key);
        place.Write("ledger.yaml", Manifests.Ledger("random", trials: 2, parallel: 2, seconds: 0));
        var port = Workplace.FreePort().ToString(CultureInfo.InvariantCulture);
        var served = Variables(
            ("TLS_CERT_FILE", place.PathOf("service.crt")),
            ("TLS_KEY_FILE", place.PathOf("service.key")),
            ("TLS_CLIENT_CA_FILE", place.PathOf("ca.crt")));
        string[] run = ["run", "ledger.yaml", "--endpoint", $"random=https://127.0.0.1:{port}"];

        using var process = place.Start(served, "Katib.Suggestion.Random.dll", "--port", port);
        await Workplace.UntilAsync("the service is healthy", () => ProbeAsync(place, served, port).GetAwaiter().GetResult());
        using var unknown = place.Start(Variables(("SUGGESTION_CA_FILE", place.PathOf("ca.crt"))), "katib.dll", run);
        var stranger = await Workplace.EndAsync(unknown);
        using var wrong = place.Start(
            Variables(("SUGGESTION_CERT_FILE", place.PathOf("caller.crt")), ("SUGGESTION_KEY_FILE", place.PathOf("service.key"))),
            "katib.dll",
            run);
        var mismatched = (await Workplace.EndAsync(wrong)).Expect(2);
        using var known = place.Start(
            Variables(
                ("SUGGESTION_CA_FILE", place.PathOf("ca.crt")),
                ("SUGGESTION_CERT_FILE", place.PathOf("caller.crt")),
                ("SUGGESTION_KEY_FILE", place.PathOf("caller.key"))),
            "katib.dll",
            run);
        var answered = await Workplace.EndAsync(known);
        await KillAsync(process);

        Assert.NotEqual(0, stranger.ExitCode);
        Assert.Contains("must both be given, as PEM, and belong together", mismatched.Error, StringComparison.Ordinal);
        _ = answered.Expect(0);
        Assert.Equal(2, Begun(place).Length);
    }

    [Fact]
    public async Task A_service_without_its_certificates_says_what_is_missing()
    {
        using var place = new Workplace();

        using var half = place.Start(Variables(("TLS_CERT_FILE", "tls.crt")), "Katib.Suggestion.Random.dll");
        var incomplete = (await Workplace.EndAsync(half)).Expect(2);
        using var lost = place.Start(
            Variables(("TLS_CERT_FILE", "tls.crt"), ("TLS_KEY_FILE", "tls.key")), "Katib.Suggestion.Random.dll");
        var missing = (await Workplace.EndAsync(lost)).Expect(2);

        Assert.StartsWith("TLS wants both TLS_CERT_FILE and TLS_KEY_FILE", incomplete.Error, StringComparison.Ordinal);
        Assert.StartsWith("TLS_CERT_FILE 'tls.crt' cannot be read.", missing.Error, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Variables(params IEnumerable<(string Name, string Value)> variables) =>
        variables.ToDictionary(static v => v.Name, static v => v.Value);

    private static async Task<bool> ProbeAsync(Workplace place, Dictionary<string, string> served, string port)
    {
        using var probe = place.Start(served, "Katib.Suggestion.Random.dll", "--port", port, "--probe");
        return (await Workplace.EndAsync(probe)).ExitCode is 0;
    }

    private static async Task KillAsync(Process service)
    {
        await Workplace.SignalAsync(service, "KILL");
        _ = await Workplace.EndAsync(service);
        service.Dispose();
    }

    private static string[] Begun(Workplace place) => File.Exists(place.PathOf("ledger.txt"))
        ? [.. File.ReadAllLines(place.PathOf("ledger.txt")).Where(static l => l.StartsWith("begin", StringComparison.Ordinal))]
        : [];
}
