using System.Diagnostics;
using System.Net;

namespace Katib.EndToEnd.Tests;

/// <summary>The coordinator's program with its submit API, and a service of random search beside it.</summary>
internal sealed class ListeningCoordinator : IAsyncDisposable
{
    private readonly Workplace _place;
    private readonly int _servicePort = Workplace.FreePort();
    private readonly Process _service;
    private readonly string[] _options;
    private Process _coordinator;

    private ListeningCoordinator(Workplace place, string[] options)
    {
        (_place, _options) = (place, options);
        _service = place.Start("Katib.Suggestion.Random.dll", "--port", $"{_servicePort}");
        _coordinator = StartProgram();
    }

    public string Address { get; } = $"http://127.0.0.1:{Workplace.FreePort()}";

    public static async Task<ListeningCoordinator> StartAsync(Workplace place, string store = "server.db", params string[] options)
    {
        var server = new ListeningCoordinator(place, [$"--Coordinator:Store={store}", .. options]);
        await server.HealthyAsync();
        return server;
    }

    public Task<Said> KatibAsync(params string[] arguments) => _place.EndAsync("katib.dll", WithServer(arguments));

    public Process Start(params string[] arguments) => _place.Start("katib.dll", WithServer(arguments));

    /// <summary>Asks the API itself, where <c>katib</c> would look at the experiment first.</summary>
    public async Task<HttpStatusCode> PostAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = new(Address) };
        var token = await File.ReadAllTextAsync(_place.PathOf("token"));
        http.DefaultRequestHeaders.Authorization = new("Bearer", token.Trim());
        using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), content: null);
        return answer.StatusCode;
    }

    public async Task KillAsync()
    {
        await Workplace.SignalAsync(_coordinator, "KILL");
        await _coordinator.WaitForExitAsync();
        _coordinator.Dispose();
    }

    public async Task StartAgainAsync()
    {
        _coordinator = StartProgram();
        await HealthyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync(_coordinator);
        _coordinator.Dispose();
        await EndAsync(_service);
        _service.Dispose();
    }

    private static async Task EndAsync(Process process)
    {
        await Workplace.SignalAsync(process, "TERM");
        _ = await Workplace.EndAsync(process);
    }

    private string[] WithServer(string[] arguments) =>
        ["--server", Address, "--token-file", _place.PathOf("token"), .. arguments];

    private Process StartProgram() => _place.Start(
        "Katib.Coordinator.dll",
        [
            $"--Coordinator:Listen={Address}",
            "--Coordinator:TokenFile=token",
            $"--Coordinator:Endpoints:random=http://127.0.0.1:{_servicePort}",
            .. _options,
        ]);

    /// <summary>Waits for the health that a container's check would see.</summary>
    private Task HealthyAsync() => Workplace.UntilAsync("the coordinator is healthy", async () =>
    {
        Assert.False(_coordinator.HasExited, "The coordinator has ended at once.");
        return (await _place.EndAsync("Katib.Coordinator.dll", "--probe", $"--Coordinator:Listen={Address}")).ExitCode is 0;
    });
}
