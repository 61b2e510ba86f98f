using System.Globalization;
using Grpc.Net.Client;
using Katib.Driver;
using Wire = Api.V1.Beta1;

namespace Katib.Containers.Tests;

/// <summary>The services for arm64, made on x64 and run by an emulator: that they work, not how fast.</summary>
public sealed class ArmTests
{
    private const string Emulator = "qemu-aarch64-static";

    /// <summary>Where Debian and Ubuntu put the C library of that processor.</summary>
    private const string Libraries = "/usr/aarch64-linux-gnu";

    /// <summary>The mark of 64-bit ARM in byte 18 of a program.</summary>
    private const byte Arm64 = 0xB7;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("Katib.Suggestion.Random", "random")]
    [InlineData("Katib.Suggestion.Bayesian", "bayesianoptimization")]
    public async Task A_service_built_for_arm64_serves_probes_and_suggests(string project, string algorithm)
    {
        Assert.SkipUnless(TestSize.IsFull, "An emulator takes minutes for a start: with KATIB_TEST_SIZE=full.");
        Assert.SkipUnless(DockerCommand.Missing is null, DockerCommand.Missing ?? "");
        Assert.SkipUnless(Command.Exists(Emulator), $"{Emulator} is not installed.");
        Assert.SkipUnless(File.Exists($"{Libraries}/lib/libc.so.6"), "The C library for arm64 is not installed.");
        var token = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("katib-arm64-").FullName;
        try
        {
            var program = await BuildAsync(project, folder, token);
            await using var service = await ProcessReplica.StartAsync(
                Emulator, ["-L", Libraries, program], new Dictionary<string, string>(), Patience, token);
            using var channel = GrpcChannel.ForAddress(service.Address);
            var reply = await new Wire.Suggestion.SuggestionClient(channel).GetSuggestionsAsync(
                new()
                {
                    Experiment = WideExperiment.Of(algorithm, parameters: 4, trials: 10, parallel: 3),
                    CurrentRequestNumber = 3,
                    TotalRequestNumber = 3,
                },
                cancellationToken: token);
            var port = service.Address.Port.ToString(CultureInfo.InvariantCulture);

            // Emulated on a busy machine, the probe's five seconds may be too short the first time.
            await Until.HoldsAsync("the probe finds the service healthy", async () =>
                (await Command.RunAsync(Emulator, "-L", Libraries, program, "--probe", "--port", port)).ExitCode is 0);

            Assert.Equal(Arm64, (await File.ReadAllBytesAsync(program, token))[18]);
            Assert.Equal(3, reply.ParameterAssignments.Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> BuildAsync(string project, string folder, CancellationToken cancellationToken)
    {
        var image = $"{project.ToLowerInvariant()}:arm64-test";
        _ = (await Command.RunAsync(
            "docker",
            "build", "--file", "services/Dockerfile", "--target", "build", "--tag", image,
            "--build-arg", "TARGETARCH=arm64", "--build-arg", $"PROJECT={project}", ".")).Expect(0);
        var container = await DockerCommand.RunAsync(cancellationToken, "create", image, "none");
        try
        {
            var program = Path.Combine(folder, "service");
            _ = await DockerCommand.RunAsync(cancellationToken, "cp", $"{container}:/app/service", program);
            return program;
        }
        finally
        {
            _ = await DockerCommand.RunAsync(CancellationToken.None, "rm", container);
        }
    }
}
