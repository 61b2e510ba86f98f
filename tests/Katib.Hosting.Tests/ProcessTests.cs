using System.Diagnostics;
using System.Globalization;
using static Katib.Hosting.Tests.Requests;

namespace Katib.Hosting.Tests;

/// <summary>The service as a process: its arguments, its environment and its end.</summary>
public sealed class ProcessTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Help_tells_the_arguments()
    {
        var (exitCode, output, _) = await RunAsync(["--help"]);

        Assert.Equal(0, exitCode);
        Assert.Contains("--port", output, StringComparison.Ordinal);
        Assert.Contains("--probe", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("The port must be a number between 1 and 65535, not 'http'.", "--port", "http")]
    [InlineData("The port must be a number between 1 and 65535, not '0'.", "--port", "0")]
    [InlineData("The port must be a number between 1 and 65535, not '65536'.", "--port=65536")]
    [InlineData("The port must be a number between 1 and 65535, not '-1'.", "--port", "-1", "--probe")]
    [InlineData("Unknown arguments: --verbose", "--verbose")]
    [InlineData("Unknown arguments: --port", "--port")]
    public async Task Wrong_arguments_are_named_and_the_right_ones_told(string problem, params string[] arguments)
    {
        var (exitCode, _, error) = await RunAsync(arguments);

        Assert.Equal(2, exitCode);
        Assert.StartsWith(problem, error, StringComparison.Ordinal);
        Assert.Contains("--port N", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_PORT_is_named()
    {
        var (exitCode, _, error) = await RunAsync([], port: "all");

        Assert.Equal(2, exitCode);
        Assert.StartsWith("The port must be a number between 1 and 65535, not 'all'.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_probe_without_a_service_fails_in_words()
    {
        var port = Programs.FreePort();

        var (exitCode, _, error) = await RunAsync(["--port", port, "--probe"]);

        Assert.Equal(1, exitCode);
        Assert.StartsWith($"No healthy service on port {port}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_service_is_probed_by_argument_or_PORT_answers_and_stops_cleanly_on_SIGTERM()
    {
        await using var service = await Programs.StartRandomServiceAsync(Token);
        var port = service.Address.Port.ToString(CultureInfo.InvariantCulture);

        var byArgument = await RunAsync([$"--port={port}", "--probe"]);
        var byVariable = await RunAsync(["--probe"], port);
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(service.Address);
        var reply = await new Api.V1.Beta1.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(
            Ask(Experiment("random", Real("a", "0", "1")), 2), cancellationToken: Token);
        var exitCode = await service.StopAsync(Token);

        Assert.Equal((0, 0), (byArgument.ExitCode, byVariable.ExitCode));
        Assert.Equal(2, reply.ParameterAssignments.Count);
        Assert.Equal(0, exitCode);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string[] arguments, string port = "")
    {
        var start = new ProcessStartInfo("dotnet", [Programs.RandomService, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PORT"] = port;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Token);
        var error = process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, await output, await error);
    }
}
